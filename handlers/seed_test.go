package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// roomF20 is the recorder documentation's room, as a worker tells of it.
func roomF20() tasks.Room {
	return tasks.Room{
		RoomID: 23058, ShortID: 3, Name: "3号直播间", Title: "哔哩哔哩音悦台", AreaParent: "电台", AreaChild: "唱见电台",
		AutoRecord: true, ThisSession: true, Streaming: true, Danmaku: true, ObjectID: "7467f2b3-e8c4-482a-8756-8437b58a5f4c",
	}
}

// F51: what the original answered, to the letter.
const (
	seedStats = `"stats":{"duraionRatio":0,"fileMaxTimestamp":0,"networkMbps":0,"sessionDuration":0,"sessionMaxTimestamp":0,"totalInputBytes":0,"totalOutputBytes":0}`
	seedBare  = `{"areaNameChild":"唱见电台","areaNameParent":"电台","autoRecordForThisSession":true,"danmakuConnected":true,"name":"3号直播间","objectId":"7467f2b3-e8c4-482a-8756-8437b58a5f4c","recording":false,"shortId":3,"streaming":true,"title":"哔哩哔哩音悦台","roomConfig":{"autoRecord":true,"roomId":23058,"optionalCuttingMode":{"hasValue":false,"value":"DISABLED"},"optionalCuttingNumber":{"hasValue":false,"value":0},"optionalRecordDanmaku":{"value":false,"hasValue":false},"optionalRecordDanmakuGift":{"hasValue":false,"value":false},"optionalRecordDanmakuGuard":{"hasValue":false,"value":false},"optionalRecordDanmakuRaw":{"hasValue":false,"value":false},"optionalRecordDanmakuSuperChat":{"hasValue":false,"value":false},"optionalRecordMode":{"hasValue":false,"value":"STANDARD"}}`
	seedRoom  = seedBare + `,` + seedStats + `}`
)

// rooms makes a node and its rooms known.
func (s *site) rooms(node string, rooms ...tasks.Room) *tasks.RoomTeller {
	s.t.Helper()
	s.beat(tasks.NodeInfo{Name: node})
	teller := s.store.RoomTeller(node)
	if err := teller.Tell(s.t.Context(), rooms); err != nil {
		s.t.Fatal(err)
	}
	return teller
}

// worker answers a node's commands until the test ends, as its worker does.
func (s *site) worker(node string, answer func(tasks.RoomReply) tasks.RoomReply) {
	s.t.Helper()
	srv := asynq.NewServerFromRedisClient(s.rdb, asynq.Config{
		Concurrency: 4, Queues: map[string]int{tasks.QueueOf(tasks.KindRoom, node): 1}, TaskCheckInterval: 10_000_000, LogLevel: asynq.FatalLevel,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(tasks.TypeRoom, func(ctx context.Context, t *asynq.Task) error {
		var c tasks.RoomCommand
		if err := json.Unmarshal(t.Payload(), &c); err != nil {
			return err
		}
		r, err := s.store.Command(ctx, c.ID)
		if err != nil {
			return err
		}
		if r = answer(r); r.State == "" {
			return nil // nobody answers
		}
		r.State = tasks.CommandDone
		return s.store.PutCommand(ctx, r)
	})
	if err := srv.Start(mux); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(srv.Shutdown)
}

// likeOriginal compares with the original's JSON; what is new beside it may be there.
func likeOriginal(t *testing.T, r reply, original string) {
	t.Helper()
	var got, want any
	r.is(http.StatusOK).into(&got)
	if err := json.Unmarshal([]byte(original), &want); err != nil {
		t.Fatal(err)
	}
	if got = without(got, "node", "durationRatio"); !reflect.DeepEqual(got, want) {
		t.Errorf("answered\n%s\nthe original answered\n%s", r.body, original)
	}
	if kind := r.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("as %q", kind)
	}
}

func without(v any, keys ...string) any {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range keys {
			delete(x, k)
		}
		for k := range x {
			x[k] = without(x[k], keys...)
		}
	case []any:
		for i := range x {
			x[i] = without(x[i], keys...)
		}
	}
	return v
}

func TestSeed_answersToTheLetter(t *testing.T) {
	s := newSite(t)
	s.rooms("nas", roomF20())
	s.worker("nas", func(r tasks.RoomReply) tasks.RoomReply {
		room := roomF20()
		r.Outcome, r.Room = tasks.RoomDone, &room
		if r.RoomID == 7 {
			r.Outcome, r.Room = tasks.RoomMissing, nil
			if r.Action == tasks.AddRoom {
				r.Outcome = tasks.RoomExists
			}
		}
		return r
	})
	for at, want := range map[string]string{ // F50, byte by byte
		"/getroom?roomid=0":                    `{"code":"4031","msg":"不正确的房间号"}`,
		"/getroom?roomid=-3":                   `{"code":"4031","msg":"不正确的房间号"}`,
		"/addroom?roomid=0":                    `{"code":"4031","msg":"不正确的房间号"}`,
		"/addroom?roomid=2147483648":           `{"code":"4031","msg":"不正确的房间号"}`,
		"/addroom?roomid=99999999999999999999": `{"code":"4031","msg":"不正确的房间号"}`,
		"/removeroom?roomid=-1":                `{"code":"4031","msg":"不正确的房间号"}`,
		"/addroom?roomid=7":                    `{"code":4032,"msg":"房间已经存在"}`,
		"/getroom?roomid=7":                    `{"code":4042,"msg":"没有这个房间哦"}`,
		"/removeroom?roomid=7":                 `{"code":4042,"msg":"没有这个房间哦"}`,
		// As FastAPI 0.63 with pydantic 1.7 refuses.
		"/getroom":                    `{"detail":[{"loc":["query","roomid"],"msg":"field required","type":"value_error.missing"}]}`,
		"/addroom?roomid=x":           `{"detail":[{"loc":["query","roomid"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`,
		"/removeroom?roomid=1.5":      `{"detail":[{"loc":["query","roomid"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`,
		"/removeroom?roomid=":         `{"detail":[{"loc":["query","roomid"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`,
		"/getroom?roomid=3&node=nope": `{"detail":[{"loc":["query","node"],"msg":"no worker of that node has ever been seen here","type":"value_error"}]}`,
	} {
		status := http.StatusOK
		if strings.HasPrefix(want, `{"detail"`) {
			status = http.StatusUnprocessableEntity
		}
		if got := s.get(at).is(status); got.body != want {
			t.Errorf("%s: %s, want %s", at, got.body, want)
		}
	}
	likeOriginal(t, s.get("/allroom"), `{"data":{"rooms":[`+seedRoom+`]},"code":0}`)
	for _, id := range []string{"3", "23058", "+3", "23_058", "9&roomid=3", "3&unknown=1"} {
		likeOriginal(t, s.get("/getroom?roomid="+id), `{"code":0,"data":`+seedRoom+`}`)
	}
	likeOriginal(t, s.get("/addroom?roomid=3"), `{"code":0,"data":`+seedBare+`}}`)
	likeOriginal(t, s.get("/removeroom?roomid=3"), `{"code":0,"data":{"name":"3号直播间","title":"哔哩哔哩音悦台","shortId":3,"roomConfig":{"roomId":23058}}}`)
}

func TestSeed_keepsTheOriginalsSpellingBesideTheRightOne(t *testing.T) {
	s := newSite(t)
	room := roomF20()
	room.Stats.DurationRatio = 0.98
	s.rooms("nas", room)
	if body := s.get("/getroom?roomid=3").body; !strings.Contains(body, `"duraionRatio":0.98,"durationRatio":0.98`) {
		t.Error(body)
	}
}
