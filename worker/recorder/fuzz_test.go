package recorder_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/recorder"
)

const idleRoom = `{"objectId":"7467f2b3-e8c4-482a-8756-8437b58a5f4c","roomId":23058,"autoRecord":false,"shortId":3,"name":"3号直播间","uid":11153765,"title":"哔哩哔哩音悦台","areaNameParent":"电台","areaNameChild":"唱见电台","recording":false,"streaming":true,"danmakuConnected":true,"autoRecordForThisSession":true,"recordingStats":{"sessionDuration":0.0,"totalInputBytes":0,"totalOutputBytes":0,"currentFileSize":0,"sessionMaxTimestamp":0,"fileMaxTimestamp":0,"addedDuration":0.0,"passedTime":0.0,"durationRatio":"NaN","inputVideoBytes":0,"inputAudioBytes":0,"outputVideoFrames":0,"outputAudioFrames":0,"outputVideoBytes":0,"outputAudioBytes":0,"totalInputVideoBytes":0,"totalInputAudioBytes":0,"totalOutputVideoFrames":0,"totalOutputAudioFrames":0,"totalOutputVideoBytes":0,"totalOutputAudioBytes":0},"ioStats":{"streamHost":null,"startTime":"0001-01-01T00:00:00+00:00","endTime":"0001-01-01T00:00:00+00:00","duration":0.0,"networkBytesDownloaded":0,"networkMbps":0.0,"diskWriteDuration":0.0,"diskBytesWritten":0,"diskMBps":0.0}}`

// FuzzAnswers gives every question the same body: it must be understood or be an error, and no id of 0 may come out of it.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		idleRoom, "[" + idleRoom + "]", `{"code":-4,"message":"Room not found"}`, `{"optionalWebHookUrlsV2":{"hasValue":false,"value":null}}`,
		`{"data":{"rooms":[{"name":"a","roomConfig":{"roomId":1}}]}}`, `{"errors":[{"message":"x"}]}`, `{"semVer":"2.17.3"}`, "<html>", "", "null", "[null]", `[{"roomId":0}]`,
	} {
		f.Add(http.StatusOK, []byte(body))
		f.Add(http.StatusNotFound, []byte(body))
	}
	var status int
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(s.Close)
	c, err := recorder.New(recorder.Config{URL: s.URL, RefreshWaits: quickWaits()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, code int, answer []byte) {
		if code < 200 || code > 599 || len(answer) > 1<<16 {
			return
		}
		status, body = code, answer
		rooms, err := c.Rooms(t.Context())
		for _, r := range rooms {
			if r.RoomID <= 0 {
				t.Errorf("a room with id %d", r.RoomID)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
		room, roomErr := c.Room(t.Context(), 3)
		if roomErr == nil && !room.Is(3) {
			t.Errorf("asked for 3, got %+v", room)
		}
		_, versionErr := c.Version(t.Context())
		_, configErr := c.GlobalConfig(t.Context())
		_, _, statsErr := c.Stats(t.Context(), 3)
		for _, err := range []error{err, roomErr, versionErr, configErr, statsErr} {
			if err != nil && recorder.KindOf(err) == "" && t.Context().Err() == nil {
				t.Errorf("an error of no kind: %v", err)
			}
			if err != nil && len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}

// FuzzMergeWebhooks: whatever stands in the list, ours is in it once, and a second look changes nothing.
func FuzzMergeWebhooks(f *testing.F) {
	for _, list := range []string{"", ours, "http://127.0.0.1:8100/webhook/\r\nhttp://x/", "a\nb\n\n" + ours + "\n" + ours, "http://[\n%zz"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		merged, changed := recorder.MergeWebhooks(list, ours)
		if !changed {
			merged = list
		}
		n := 0
		for line := range strings.FieldsFuncSeq(merged, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if strings.TrimSpace(line) == ours {
				n++
			}
		}
		if n != 1 {
			t.Errorf("ours stands %d times in %q", n, merged)
		}
		if again, changed := recorder.MergeWebhooks(merged, ours); changed {
			t.Errorf("%q became %q", merged, again)
		}
	})
}

func TestNumber_readsWhatDotNetWrites(t *testing.T) {
	t.Parallel()
	var got []recorder.Number
	if err := json.Unmarshal([]byte(`[1.5,"NaN","Infinity","-Infinity",null,-0]`), &got); err != nil {
		t.Fatal(err)
	}
	if got[0] != 1.5 || !math.IsNaN(float64(got[1])) || !math.IsInf(float64(got[2]), 1) || !math.IsInf(float64(got[3]), -1) || !math.IsNaN(float64(got[4])) {
		t.Errorf("%v", got)
	}
	if b, err := json.Marshal(got); err != nil || string(b) != `[1.5,null,null,null,null,-0]` {
		t.Errorf("%s, %v", b, err)
	}
	for _, wrong := range []string{`"1"`, `{}`, `true`} {
		if err := json.Unmarshal([]byte(wrong), new(recorder.Number)); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

func TestRooms_fallBackToGraphQLOnlyWhereThereIsNoREST(t *testing.T) {
	t.Parallel()
	asked := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked += q.URL.Path + " "
		if q.URL.Path != "/graphql" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<html>not found</html>"))
			return
		}
		_, _ = w.Write([]byte(`{"data":{"rooms":[{"name":"3号直播间","shortId":3,"roomConfig":{"roomId":23058,"autoRecord":true}}]}}`))
	}))
	t.Cleanup(s.Close)
	rooms, err := clientAt(t, recorder.Config{URL: s.URL}).Rooms(context.Background())
	if err != nil || len(rooms) != 1 || rooms[0].RoomID != 23058 || !rooms[0].AutoRecord || !rooms[0].Is(3) {
		t.Errorf("%+v, %v", rooms, err)
	}
	if asked != "/api/room /graphql " {
		t.Errorf("it asked %s", asked)
	}
}
