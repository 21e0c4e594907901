//go:build chaos

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

// scale is how much happens in a run.
type scale struct {
	recordings, events, kills, rooms int
	play                             time.Duration // how long the recorder takes at least
	settle                           time.Duration // how long everything may take to come to its end afterwards
	lastRepeat                       time.Duration // how late an event may come again
	restarts                         int           // of everything at once
	cleanKills                       int           // while the disk guard cleans
}

func fullScale() scale {
	return scale{
		recordings: 312, events: 10_000, kills: 200, rooms: 8, play: 8 * time.Minute, settle: 15 * time.Minute,
		lastRepeat: time.Minute, restarts: 6, cleanKills: 5,
	}
}

func shortScale() scale {
	return scale{
		recordings: 40, events: 1_000, kills: 20, rooms: 8, play: 40 * time.Second, settle: 8 * time.Minute,
		lastRepeat: 8 * time.Second, restarts: 2, cleanKills: 1,
	}
}

// with is the same for another number of recordings.
func (s scale) with(n int) scale {
	part := func(whole int) int { return max(whole*n/s.recordings, 1) }
	s.play = max(s.play*time.Duration(n)/time.Duration(s.recordings), 10*time.Second)
	s.events, s.kills, s.restarts, s.recordings = part(s.events), part(s.kills), part(s.restarts), n
	return s
}

// flaw is what is wrong with a recording's file.
type flaw string

const (
	sound      flaw = ""
	threeBytes flaw = "three bytes" // the disk was full at once
	headerOnly flaw = "header only" // the stream sent nothing
)

// firstRoom is the first of the rooms, which follow each other.
const firstRoom = int64(23058)

// take is one file that the recorder double writes.
type take struct {
	n       int
	room    int64
	session string
	begin   time.Duration // since the start of the play
	grow    time.Duration // from its opening to its closing
	flaw    flaw
	moved   bool  // a person renames the file once it is finished
	again   *take // an earlier one of the room, whose path it uses once more when that one's file is gone
	posts   []post
}

// post is one event on its way: each of the delays is a delivery of its own, none is an event that is dropped.
type post struct {
	kind   string
	id     string
	after  time.Duration // since the take's beginning; FileClosed and later count from its closing
	closed bool          // counts from the closing
	delays []time.Duration
}

// plan is everything that the seed decides about the recorder. The killers draw from the same seed, each in a sequence of its own.
type plan struct {
	seed  uint64
	scale scale
	takes []*take
	posts int // deliveries in all
	flaws int
}

// draws is one sequence of decisions; the same seed and name give the same one.
func draws(seed uint64, name string) *rand.Rand {
	var n uint64
	for _, c := range name {
		n = n*131 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, n)) //nolint:gosec // it must come again, and nobody has to guess it
}

func newPlan(seed uint64, s scale) *plan {
	p, r := &plan{seed: seed, scale: s}, draws(seed, "recorder")
	per := (s.recordings + s.rooms - 1) / s.rooms
	for n := range s.recordings {
		t := &take{n: n, room: firstRoom + int64(n%s.rooms), session: id(r)}
		slot := s.play / time.Duration(per)
		t.begin = slot*time.Duration(n/s.rooms) + rand2(r, slot/2)
		t.grow = 300*time.Millisecond + rand2(r, min(slot/3, 1500*time.Millisecond))
		switch n % 37 {
		case 17:
			t.flaw = threeBytes
		case 29:
			t.flaw = headerOnly
		}
		if t.flaw != sound {
			p.flaws++
		}
		t.moved = n%11 == 5
		t.posts = eventsOf(r)
		t.again = p.formerOf(t)
		p.takes = append(p.takes, t)
	}
	p.repeat(r)
	return p
}

// formerOf is the take whose path a take uses again: in rooms that let their sources go every fifth does. Of the former one's opening
// somebody must hear: a path whose files nobody told of names one recording for as long as nobody can tell the files apart.
func (p *plan) formerOf(t *take) *take {
	const every = 5
	at := t.n - (every-1)*p.scale.rooms
	if (t.n/p.scale.rooms)%every != every-1 || at < 0 || !t.clearsSource() || t.flaw != sound {
		return nil
	}
	former := p.takes[at]
	if former.flaw != sound || len(former.posts[2].delays) == 0 {
		return nil
	}
	return former
}

// flows are what the rooms do with their recordings: most as NGlive does by itself, some let go of the source or the output, some encode.
func flows() map[int64]tasks.Flow {
	clearing := func(id, what string) tasks.Flow {
		f := tasks.DefaultFlow()
		f.ID, f.Name = id, id
		f.Steps = append(f.Steps, tasks.Step{ID: "clear", Type: tasks.StepDelete, With: map[string]any{"what": what}})
		return f
	}
	encode := tasks.DefaultFlow()
	encode.ID, encode.Name = "encode", "encode"
	encode.Steps[0].With = map[string]any{"mode": "CRF", "crf": 30, "preset": "ultrafast"}
	return map[int64]tasks.Flow{
		1: clearing("clear-source", "source"), 3: clearing("clear-both", "both"), 4: clearing("clear-output", "output"), 6: encode,
	}
}

// clearsSource reports whether a take's flow lets its source go.
func (k *take) clearsSource() bool {
	for _, s := range flows()[k.room-firstRoom].Steps {
		if s.Type == tasks.StepDelete {
			return s.Delete().What != "output"
		}
	}
	return false
}

// eventsOf are a file's events in the recorder's order, each with its fate: most arrive at once, some late and so in another order,
// some never.
func eventsOf(r *rand.Rand) []post {
	posts := []post{
		{kind: tasks.StreamStarted},
		{kind: tasks.SessionStarted, after: 10 * time.Millisecond},
		{kind: tasks.FileOpening, after: 20 * time.Millisecond},
		{kind: tasks.FileClosed, closed: true},
		{kind: tasks.SessionEnded, after: 5 * time.Millisecond, closed: true},
		{kind: tasks.StreamEnded, after: 10 * time.Millisecond, closed: true},
	}
	for i := range posts {
		posts[i].id = id(r)
		switch fate := r.IntN(100); {
		case fate < 8: // dropped
		case fate < 25:
			posts[i].delays = []time.Duration{rand2(r, 5*time.Second)}
		default:
			posts[i].delays = []time.Duration{rand2(r, 20*time.Millisecond)}
		}
	}
	return posts
}

// repeat doubles events that arrive until there are as many deliveries as the run wants.
func (p *plan) repeat(r *rand.Rand) {
	var all []*post
	for _, t := range p.takes {
		for i := range t.posts {
			if e := &t.posts[i]; len(e.delays) > 0 {
				all = append(all, e)
				p.posts++
			}
		}
	}
	for ; p.posts < p.scale.events+p.scale.events/50; p.posts++ {
		e := all[r.IntN(len(all))]
		late := 2 * time.Second
		if r.IntN(4) == 0 {
			late = p.scale.lastRepeat
		}
		e.delays = append(e.delays, rand2(r, late))
	}
}

func rand2(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(max(most, 1))))
}

func id(r *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

// comments are the text that only this take has beside it.
func (t *take) comments() string {
	return fmt.Sprintf("<i><d p=\"0.1,1,25,1,1,0,0,0\" user=\"u\">comments of take %d</d></i>", t.n)
}

// stem is what a take's files are called; opened is when it began.
func (t *take) stem(opened time.Time) string {
	return fmt.Sprintf("录制-%d-%s-%03d-take %d", t.room, opened.Format("20060102-150405"), opened.Nanosecond()/int(time.Millisecond), t.n)
}
