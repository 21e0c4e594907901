package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// part is what BililiveRecorder tells of the n-th file of one session that is cut every minute: it is opened a second before the
// former one closes.
func part(n int) (opening, closed string) {
	from := time.Date(2026, 11, 22, 20, n, 0, 0, time.FixedZone("", 8*3600))
	to := from.Add(time.Minute + time.Second)
	name, opened := from.Format("150405"), from.Format(time.RFC3339Nano)
	opening = with(fileOpening, firstOpenTime, opened, "175250", name, openingEventID, fmt.Sprintf("%08d-0000-4000-8000-000000000002", n))
	closed = with(fileClosed, firstOpenTime, opened, "2021-05-14T17:52:54.9461101+08:00", to.Format(time.RFC3339Nano), "175250", name,
		"4.992", "61.0", closedEventID, fmt.Sprintf("%08d-0000-4000-8000-000000000001", n))
	return opening, closed
}

// sessionOf is how many files a session has.
const sessionOf = 5

// parts is a whole session, in the order of its time.
func parts() []string {
	all := []string{sessionStarted}
	last := ""
	for i := range sessionOf {
		opening, closed := part(i)
		if all = append(all, opening); last != "" {
			all = append(all, last)
		}
		last = closed
	}
	return append(all, last, sessionEnded)
}

// workOff does every task that waits, as a worker would, and returns how often each was there to be done.
func (s *site) workOff() map[string]int {
	s.t.Helper()
	done := map[string]int{}
	for {
		var some []string
		for _, queue := range []string{"remux.nas", "upload.nas", tasks.QueueNotify} {
			for _, id := range s.pending(queue) {
				some = append(some, id)
				if err := s.queue.Inspector().DeleteTask(queue, id); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		if len(some) == 0 {
			return done
		}
		for _, id := range some {
			done[id]++
			name := strings.Split(id, ".")
			told := tasks.Fact{Recording: name[0], Run: 1, Step: name[2]}
			for _, kind := range []tasks.FactKind{tasks.StepBegan, tasks.StepSucceeded} {
				told.ID, told.Kind = fmt.Sprintf("%s-%s-%d", id, kind, done[id]), kind
				if err := s.queue.Follow(s.t.Context(), s.tell(told)); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
}

// TestParts_ofOneSessionAreRecordingsOfOneBroadcast: each part is worked on once, in whatever order and however often it is told.
func TestParts_ofOneSessionAreRecordingsOfOneBroadcast(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same in every run
	shuffled := parts()
	dice.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	backwards := parts()
	slices.Reverse(backwards)
	for name, tell := range map[string]func(*site){
		"in order":    func(s *site) { s.send(parts()...) },
		"backwards":   func(s *site) { s.send(backwards...) },
		"shuffled":    func(s *site) { s.send(shuffled...); s.send(parts()...) },
		"all at once": func(s *site) { s.sendAtOnce(append(parts(), shuffled...)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := realSite(t)
			tell(s)
			for task, times := range s.workOff() {
				if times != 1 {
					t.Errorf("%s was to be done %d times", task, times)
				}
			}
			tell(s) // the recorder's last tries, and everything is done
			if late := s.workOff(); len(late) != 0 {
				t.Errorf("a repeat made work: %v", late)
			}
			s.isOneBroadcastOf(sessionOf)
		})
	}
}

// sendAtOnce posts events as a recorder does that waits for none; each is tried as often as a recorder tries.
func (s *site) sendAtOnce(events []string) {
	s.t.Helper()
	var all sync.WaitGroup
	for _, e := range events {
		all.Go(func() {
			code := http.StatusServiceUnavailable
			for n := 0; n < 3 && code == http.StatusServiceUnavailable; n++ {
				code = s.post("/webhook", e).status
			}
			if code != http.StatusOK {
				s.t.Errorf("answered %d", code)
			}
		})
	}
	all.Wait()
}

func (s *site) isOneBroadcastOf(n int) {
	s.t.Helper()
	var all broadcastsBody
	s.get("/api/broadcasts").is(http.StatusOK).into(&all)
	if len(all.Broadcasts) != 1 || len(all.Broadcasts[0].Open) != 0 {
		s.t.Fatalf("broadcasts are %+v", all.Broadcasts)
	}
	recs := s.recordings()
	if len(recs) != n {
		s.t.Fatalf("%d recordings, want %d: %+v", len(recs), n, recs)
	}
	count := map[string]int{}
	for _, e := range s.events() {
		count[e.ID+" "+e.CMD]++
	}
	for _, r := range recs {
		if r.State != tasks.Finished || r.Gen != 0 || r.Run != 1 || r.Broadcast != all.Broadcasts[0].ID || r.Session != "7c7f3672-70ce-405a-aa12-886702ced6e5" {
			s.t.Errorf("recording is %+v", r)
		}
		for _, cmd := range []string{tasks.FileClosed, tasks.TranscodeStarted, tasks.TranscodeEnded, tasks.UpEnded, tasks.NotifyEnded, tasks.FlowFinished} {
			if got := count[r.ID+" "+cmd]; got != 1 {
				s.t.Errorf("%s: %s was told %d times", r.Path, cmd, got)
			}
		}
	}
}
