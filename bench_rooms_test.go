//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// manyRooms is how many rooms the recorder has; changedRooms how many are added and removed.
const (
	manyRooms    = 1000
	changedRooms = 60
)

// measureRooms runs a real `nglive up` with a recorder double of 1,000 rooms in the test's own process. What the recorder itself
// takes to add a room is measured by asking it directly for the same, in turn; the difference is what the way through web, the
// queue and the worker adds.
func measureRooms(t *testing.T, b *bench) {
	t.Helper()
	double := recordertest.Start(t, recordertest.Quick(rehearsal.Config{
		Dir: configWithRooms(t), Streamers: streamers(manyRooms + 2*changedRooms), Unresolved: time.Millisecond,
	}))
	up := b.open(t, "up", "NGLIVE_RECORDER_URL="+double.URL, "NGLIVE_RECORDER_USER="+recordertest.User, "NGLIVE_RECORDER_PASSWORD="+recordertest.Password)
	up.awaitWorker()
	var all struct {
		Code int
		Data tasks.SeedRooms
	}
	until(t, ready, "all rooms are told", func() bool {
		body := seedGet(t, up, "/allroom")
		return json.Unmarshal(body, &all) == nil && len(all.Data.Rooms) == manyRooms && all.Data.Rooms[manyRooms-1].Name != ""
	})
	lists := timed(500, func(int) { seedGet(t, up, "/allroom") })
	b.report.add("allroom_p99", "/allroom with 1,000 rooms, p99 of 500", "ms", atMost(100), single(quantile(lists, 0.99)))
	b.report.note("… its quickest and its slowest", "ms", middle(lists))

	direct, err := recorder.New(recorder.Config{URL: double.URL, User: recordertest.User, Password: recordertest.Password})
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs []float64
	for i := range changedRooms {
		through, alone := strconv.Itoa(manyRooms+2*i+1), int64(manyRooms+2*i+2)
		ours = append(ours, timed(1, func(int) { wantCode(t, seedGet(t, up, "/addroom?roomid="+through), 0) })...)
		theirs = append(theirs, timed(1, func(int) {
			if a, err := direct.Add(t.Context(), alone, true); err != nil || !a.Verified {
				t.Fatalf("add directly: %+v, %v", a, err)
			}
		})...)
		wantCode(t, seedGet(t, up, "/removeroom?roomid="+through), 0)
		if _, err := direct.Remove(t.Context(), alone); err != nil {
			t.Fatal(err)
		}
	}
	b.report.add("addroom_over_p50", "/addroom over the recorder's own time, p50", "ms", atMost(150),
		compared(ours, theirs, func(ours, theirs float64) float64 { return ours - theirs }))
	b.report.note("… what the recorder itself took", "ms", middle(theirs))
	measureStorm(t, b)
}

// measureStorm posts 500 events at the same instant to a `nglive web`, over 500 connections that are opened for it.
func measureStorm(t *testing.T, b *bench) {
	t.Helper()
	const storm = 500
	web := b.open(t, "up")
	web.awaitWorker()
	var slowest []float64
	for range rounds {
		posts := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: -1}}
		took := make([]float64, storm)
		begin := make(chan struct{})
		var all sync.WaitGroup
		for i := range storm {
			all.Go(func() {
				<-begin
				took[i] = timed(1, func(int) { postEvent(t, posts, web.client.base, i) })[0]
			})
		}
		close(begin)
		all.Wait()
		slowest = append(slowest, quantile(took, 1))
	}
	b.report.add("webhook_storm", "500 webhooks at one instant, until the last is answered", "ms", atMost(500), middle(slowest))
}

// postEvent posts one of the six kinds of event.
func postEvent(t *testing.T, posts *http.Client, base string, i int) {
	t.Helper()
	kinds := []string{tasks.FileOpening, tasks.FileClosed, tasks.SessionStarted, tasks.SessionEnded, tasks.StreamStarted, tasks.StreamEnded}
	now := time.Now()
	event := newRecorderEvent(kinds[i%len(kinds)], eventData{
		RelativePath: fmt.Sprintf("23058-storm/%s.flv", uuid.NewString()), FileOpenTime: recorderTime(now), FileCloseTime: recorderTime(now),
		RoomID: int64(23058 + i), Name: "storm", Title: "storm",
	})
	body, err := json.Marshal(event)
	if err != nil {
		t.Error(err)
		return
	}
	res, err := posts.Post(base+"/webhook/", "application/json", strings.NewReader(string(body))) //nolint:noctx // the client has a timeout
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Errorf("answered %d: %s", res.StatusCode, said)
	}
}

// timed does something some times and returns how many milliseconds each took.
func timed(times int, do func(int)) []float64 {
	took := make([]float64, times)
	for i := range times {
		began := time.Now()
		do(i)
		took[i] = millis(time.Since(began))
	}
	return took
}

func seedGet(t *testing.T, h *house, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.client.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v: %s", path, res.StatusCode, err, body)
	}
	return body
}

func wantCode(t *testing.T, body []byte, code int) {
	t.Helper()
	var got struct{ Code any }
	if err := json.Unmarshal(body, &got); err != nil || got.Code != float64(code) {
		t.Fatalf("code is not %d: %s", code, body)
	}
}

// configWithRooms is a work folder whose config.json has rooms 1 to 1,000.
func configWithRooms(t *testing.T) string {
	t.Helper()
	rooms := make([]string, manyRooms)
	for i := range rooms {
		rooms[i] = fmt.Sprintf(`{"RoomId":{"HasValue":true,"Value":%d},"AutoRecord":{"HasValue":true,"Value":true}}`, i+1)
	}
	dir := t.TempDir()
	text := `{"version":3,"global":{},"rooms":[` + strings.Join(rooms, ",") + `]}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func streamers(n int) []rehearsal.Streamer {
	list := make([]rehearsal.Streamer, n)
	for i := range list {
		list[i] = rehearsal.Streamer{
			RoomID: int64(i + 1), Name: fmt.Sprintf("主播 %d", i+1), Title: "一场有点长的直播标题，和平常的一样长", Parent: "电台", Child: "唱见电台",
		}
	}
	return list
}
