package rehearsal_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// call speaks to a double as a stranger would: the rehearsal's own contract is what it answers, not what our client makes of it.
func call(t *testing.T, d *recordertest.Double, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.SetBasicAuth(recordertest.User, recordertest.Password)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, strings.TrimSpace(string(b))
}

type told struct {
	at   time.Time
	body map[string]any
	raw  string
}

func (e told) kind() string { k, _ := e.body["EventType"].(string); return k }

func (e told) data(name string) any { d, _ := e.body["EventData"].(map[string]any); return d[name] }

// ear takes webhooks and answers with a status.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard []told
}

func listen(t *testing.T, status func(n int) int) *ear {
	t.Helper()
	e := &ear{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		one := told{at: time.Now(), raw: string(b), body: map[string]any{}}
		_ = json.Unmarshal(b, &one.body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, one)
		w.WriteHeader(status(len(e.heard)))
	}))
	t.Cleanup(e.Close)
	return e
}

func fine(int) int { return http.StatusOK }

func (e *ear) all() []told {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]told(nil), e.heard...)
}

func (e *ear) kinds() []string {
	list := []string{}
	for _, one := range e.all() {
		list = append(list, one.kind())
	}
	return list
}

func (e *ear) wait(t *testing.T, n int) []told {
	t.Helper()
	require.Eventually(t, func() bool { return len(e.all()) >= n }, 60*time.Second, time.Millisecond)
	return e.all()
}

func hook(t *testing.T, d *recordertest.Double, version, addresses string) {
	t.Helper()
	b, err := json.Marshal(map[string]any{version: map[string]any{"hasValue": true, "value": addresses}})
	require.NoError(t, err)
	status, _ := call(t, d, http.MethodPost, "/api/config/global", string(b))
	require.Equal(t, http.StatusOK, status)
}

func onAir(t *testing.T, d *recordertest.Double) {
	t.Helper()
	status, _ := call(t, d, http.MethodPost, "/api/room", `{"roomId":3,"autoRecord":true}`)
	require.Equal(t, http.StatusOK, status)
	d.Live(23058, true)
	status, _ = call(t, d, http.MethodPost, "/api/room/3/refresh", "")
	require.Equal(t, http.StatusOK, status)
}

func TestRehearsal_writesAFileThatPlaysAndTellsItsSizeAndLength(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{Speed: 20, Danmaku: true}))
	e := listen(t, fine)
	hook(t, d, "optionalWebHookUrlsV2", "http://127.0.0.1:1/nobody\r\n"+e.URL)
	onAir(t, d)
	e.wait(t, 3)
	require.Eventually(t, func() bool {
		info, err := os.Stat(filepath.Join(d.Dir, d.Files()[0]))
		return err == nil && info.Size() > 300_000 // longer than the film
	}, 60*time.Second, 5*time.Millisecond)
	status, _ := call(t, d, http.MethodPost, "/api/room/23058/stop", "")
	require.Equal(t, http.StatusOK, status)
	e.wait(t, 5)
	assert.ElementsMatch(t, []string{"StreamStarted", "SessionStarted", "FileOpening", "FileClosed", "SessionEnded"}, e.kinds())
	for _, one := range e.all() {
		if one.kind() == "StreamStarted" {
			assert.Empty(t, one.data("Name"), "it is told before the room has a name")
			assert.Nil(t, one.data("SessionId"))
		}
		if one.kind() != "FileClosed" {
			continue
		}
		path := filepath.Join(d.Dir, one.data("RelativePath").(string))
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.InDelta(t, info.Size(), one.data("FileSize"), 0)
		f, err := os.Open(path)
		require.NoError(t, err)
		defer func() { _ = f.Close() }()
		scan, err := flv.ReadScan(t.Context(), f)
		require.NoError(t, err)
		assert.Zero(t, scan.JumpCount)
		assert.InDelta(t, scan.Media.Seconds(), one.data("Duration"), 0.1)
		head, err := flv.Peek(f, info.Size())
		require.NoError(t, err)
		assert.Equal(t, int64(23058), head.Metadata.Recorder.RoomID)
		comments, err := os.ReadFile(strings.TrimSuffix(path, ".flv") + ".xml")
		require.NoError(t, err)
		assert.True(t, bytes.HasSuffix(bytes.TrimSpace(comments), []byte("</i>")))
	}
}

func TestRehearsal_triesAWebhookThreeTimesWithTheSameBytes(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, rehearsal.Config{Unresolved: -1, Linger: -1}) // the original's own pauses
	e := listen(t, func(int) int { return http.StatusInternalServerError })
	hook(t, d, "optionalWebHookUrlsV2", e.URL)
	d.Live(23058, true)
	status, _ := call(t, d, http.MethodPost, "/api/room", `{"roomId":23058,"autoRecord":false}`)
	require.Equal(t, http.StatusOK, status)
	_, _ = call(t, d, http.MethodPost, "/api/room/23058/refresh", "")
	heard := e.wait(t, 3)
	assert.Equal(t, heard[0].raw, heard[1].raw)
	assert.Equal(t, heard[0].raw, heard[2].raw)
	assert.GreaterOrEqual(t, heard[1].at.Sub(heard[0].at), time.Second)
	assert.GreaterOrEqual(t, heard[2].at.Sub(heard[1].at), 2*time.Second)
	assert.NotEmpty(t, heard[0].body["EventId"])
}

func TestRehearsal_tellsVersion1OfAClosedFileToo(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	v1, v2 := listen(t, fine), listen(t, fine)
	hook(t, d, "optionalWebHookUrls", v1.URL)
	hook(t, d, "optionalWebHookUrlsV2", v2.URL)
	onAir(t, d)
	v2.wait(t, 3)
	_, _ = call(t, d, http.MethodDelete, "/api/room/3", "")
	one := v1.wait(t, 1)[0]
	v2.wait(t, 5)
	assert.NotEmpty(t, one.body["EventRandomId"])
	assert.Nil(t, one.body["EventType"])
	assert.Positive(t, one.body["FileSize"])
	assert.Equal(t, d.Files()[0], one.body["RelativePath"])
}

func TestRehearsal_aSplitIsAPartOfTheSessionAndAReconnectANewOne(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	e := listen(t, fine)
	hook(t, d, "optionalWebHookUrlsV2", e.URL)
	onAir(t, d)
	e.wait(t, 3)
	_, _ = call(t, d, http.MethodPost, "/api/room/3/split", "")
	e.wait(t, 5) // FileClosed, FileOpening
	sessions := map[any]bool{}
	for _, one := range e.all() {
		if id := one.data("SessionId"); id != nil {
			sessions[id] = true
		}
	}
	assert.Len(t, sessions, 1)
	d.Reconnect(23058)
	for _, one := range e.wait(t, 9) { // FileClosed, SessionEnded, SessionStarted, FileOpening
		if id := one.data("SessionId"); id != nil {
			sessions[id] = true
		}
	}
	assert.Len(t, sessions, 2)
	assert.Len(t, d.Files(), 3)
}

func TestRehearsal_aKillLeavesNoFileClosedAndAStopDoes(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*recordertest.Double){"kill": (*recordertest.Double).Kill, "stop": (*recordertest.Double).Stop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{Linger: time.Second}))
			e := listen(t, fine)
			hook(t, d, "optionalWebHookUrlsV2", e.URL)
			onAir(t, d)
			e.wait(t, 3)
			end(d)
			if name == "stop" {
				assert.Contains(t, e.kinds(), "FileClosed")
				assert.Contains(t, e.kinds(), "SessionEnded")
			} else {
				assert.NotContains(t, e.kinds(), "FileClosed")
			}
		})
	}
}

func TestRehearsal_zeroIsARoomWithoutAShortId(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	_, _ = call(t, d, http.MethodPost, "/api/room", `{"roomId":1888544306,"autoRecord":false}`)
	status, body := call(t, d, http.MethodDelete, "/api/room/0", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "1888544306")
	status, body = call(t, d, http.MethodPost, "/api/room", `{"roomId":0,"autoRecord":false}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.JSONEq(t, `{"code":-2,"message":"Roomid must be greater than 0."}`, body)
	status, body = call(t, d, http.MethodGet, "/api/room/5", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.JSONEq(t, `{"code":-4,"message":"Room not found"}`, body)
}

func TestRehearsal_aRoomThatExistsIsA200ThatIsNotSaved(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	_, _ = call(t, d, http.MethodPost, "/api/room", `{"roomId":23058,"autoRecord":false}`)
	status, body := call(t, d, http.MethodPost, "/api/room", `{"roomId":23058,"autoRecord":true}`)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"autoRecord":true`)
	assert.Contains(t, body, `"durationRatio":"NaN"`)
	assert.Contains(t, body, `"name":""`)
	d.Kill()
	d.Again()
	_, body = call(t, d, http.MethodGet, "/api/room/23058", "")
	assert.Contains(t, body, `"autoRecord":false`)
}

func TestRehearsal_restKeepsTheConfigAndGraphQLForgetsItWhenKilled(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	status, body := call(t, d, http.MethodPost, "/graphql",
		`{"query":"mutation ($c: SetGlobalConfigType) { setConfig(config: $c) { optionalWebHookUrlsV2 { hasValue value } } }",`+
			`"variables":{"c":{"optionalWebHookUrlsV2":{"hasValue":true,"value":"http://127.0.0.1:1/"}}}}`)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"data":{"setConfig":{"optionalWebHookUrlsV2":{"hasValue":true,"value":"http://127.0.0.1:1/"}}}}`, body)
	d.Kill()
	d.Again()
	_, body = call(t, d, http.MethodGet, "/api/config/global", "")
	assert.Contains(t, body, `"optionalWebHookUrlsV2":{"hasValue":false,"value":null}`)
	hook(t, d, "optionalWebHookUrlsV2", "http://127.0.0.1:2/")
	d.Kill()
	d.Again()
	_, body = call(t, d, http.MethodGet, "/api/config/global", "")
	assert.Contains(t, body, `http://127.0.0.1:2/`)
	config, err := os.ReadFile(filepath.Join(d.Dir, "config.json"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"version":3,"global":{"WebHookUrlsV2":{"HasValue":true,"Value":"http://127.0.0.1:2/"}},"rooms":[]}`, string(config))
}

func TestRehearsal_speaksGraphQLAsTheReleasedRecordersDo(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	ask := func(query string) string {
		b, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"id": 3}})
		require.NoError(t, err)
		_, body := call(t, d, http.MethodPost, "/graphql", string(b))
		return body
	}
	assert.Contains(t, ask(`mutation { addRoom(roomId: 3, autoRecord: true) { name } }`), `{"data":{"addRoom":{"name":""}}}`)
	assert.JSONEq(t, `{"errors":[{"message":"Room already exist.","extensions":{"code":"BREC_ROOM_DUPLICATE","codes":["BREC_ROOM_DUPLICATE"]}}],"data":{"addRoom":null}}`,
		ask(`mutation { addRoom(roomId: 3, autoRecord: true) { name } }`))
	ask(`mutation { refreshRoomInfo(roomId: 3) { name } }`)
	assert.JSONEq(t, `{"data":{"room":{"name":"3号直播间","shortId":3,"roomConfig":{"roomId":23058}}}}`,
		ask(`query ($id: Int) { room(roomId: $id) { name shortId roomConfig { roomId } } }`))
	assert.Contains(t, ask(`{ rooms { stats { duraionRatio } } }`), "Cannot query field", "the original NGlive's query fails on every released version")
	assert.Contains(t, ask(`mutation { removeRoom(roomId: 99) { name } }`), "BREC_ROOM_NOT_FOUND")
	assert.Contains(t, ask(`{ rooms { name `), "errors")
}
