package tasks

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// seen is one file of the room; what is unknown stays zero.
func seen(path string, openedAt time.Time) Sighting {
	return Sighting{Node: "nas", Path: path, RoomID: 7, OpenedAt: openedAt}
}

func TestIngest_countsAFactOnce(t *testing.T) {
	b := newBench(t)
	f := b.fact(FileWasClosed, seen("a.flv", morning()))
	first := b.ingest(f)
	if again := b.ingest(f); again.ID != first.ID || again.Due() == nil || again.TaskID(again.Due()) != first.TaskID(first.Due()) {
		t.Errorf("a repeat gave %+v, want %+v", again, first)
	}
	if got := b.commands(); !slices.Equal(got, []string{FileClosed}) {
		t.Errorf("events are %v", got)
	}
}

func TestIngest_givesARepeatItsOwnGenerationBack(t *testing.T) {
	b := newBench(t)
	b.ingest(b.fact(FileWasClosed, seen("a.flv", morning())))
	second := b.fact(FileWasClosed, seen("a.flv", morning().Add(time.Hour)))
	want := b.ingest(second)
	b.ingest(b.fact(FileWasClosed, seen("a.flv", morning().Add(2*time.Hour))))
	if want.Gen != 1 {
		t.Fatalf("generation is %d", want.Gen)
	}
	if again := b.ingest(second); again.ID != want.ID || again.Gen != 1 {
		t.Errorf("a repeat gave generation %d", again.Gen)
	}
}

func TestIngest_makesAGenerationOfWhatIsKnownToDiffer(t *testing.T) {
	later := morning().Add(time.Hour)
	inode := func(n uint64) Sighting { s := seen("a.flv", time.Time{}); s.Inode = n; return s }
	for name, c := range map[string]struct {
		facts []Fact
		want  int // recordings
	}{
		"same opening":                   {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", morning())}}, 1},
		"within a second":                {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", morning().Add(900*time.Millisecond))}}, 1},
		"other opening":                  {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", later)}}, 2},
		"unknown opening":                {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", time.Time{})}}, 1},
		"opened while open":              {[]Fact{{Kind: FileWasOpened, Seen: seen("a.flv", morning())}, {Kind: FileWasOpened, Seen: seen("a.flv", later)}}, 1},
		"opened again":                   {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasOpened, Seen: seen("a.flv", later)}}, 2},
		"opened again, closed":           {[]Fact{{Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasOpened, Seen: seen("a.flv", later)}, {Kind: FileWasClosed, Seen: seen("a.flv", later)}}, 2},
		"two opened before either ended": {[]Fact{{Kind: FileWasOpened, Seen: seen("a.flv", morning())}, {Kind: FileWasOpened, Seen: seen("a.flv", later)}, {Kind: FileWasClosed, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", later)}}, 2},
		"same inode":                     {[]Fact{{Kind: FileWasClosed, Seen: inode(5)}, {Kind: FileWasClosed, Seen: inode(5)}}, 1},
		"other inode":                    {[]Fact{{Kind: FileWasClosed, Seen: inode(5)}, {Kind: FileWasClosed, Seen: inode(6)}}, 2},
		"either slash":                   {[]Fact{{Kind: FileWasClosed, Seen: seen(`x\a.flv`, time.Time{})}, {Kind: FileWasClosed, Seen: seen("x/a.flv", time.Time{})}}, 1},
		"an opening that came to nothing": {[]Fact{
			{Kind: FileWasOpened, Seen: seen("a.flv", morning())}, {Kind: FileWasClosed, Seen: seen("a.flv", later)}, {Kind: FileWasClosed, Seen: seen("a.flv", later)},
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for _, f := range c.facts {
				b.ingest(b.fact(f.Kind, f.Seen))
			}
			list, _, err := b.store.List(b.ctx, Query{Limit: 100})
			if err != nil || len(list) != c.want {
				t.Errorf("%d recordings, want %d (%v): %+v", len(list), c.want, err, list)
			}
		})
	}
}

func TestIngest_findsTheGenerationThatLateNewsBelongsTo(t *testing.T) {
	b := newBench(t)
	for i := range 4 {
		b.ingest(b.fact(FileWasClosed, seen("a.flv", morning().Add(time.Duration(i)*time.Hour))))
	}
	for i := range 4 {
		late := seen("a.flv", morning().Add(time.Duration(i)*time.Hour))
		late.Title = fmt.Sprintf("title %d", i)
		if r := b.ingest(b.fact(FileWasOpened, late)); r.Gen != i || r.Title != late.Title {
			t.Errorf("late news of generation %d went to %+v", i, r)
		}
	}
	if r := b.ingest(b.fact(FileWasClosed, seen("a.flv", time.Time{}))); r.Gen != 3 {
		t.Errorf("news without an opening went to generation %d, want the newest", r.Gen)
	}
	newest, err := b.store.Newest(b.ctx, Identity{Node: "nas", Path: "a.flv"})
	if err != nil || newest.Gen != 3 || newest.State != Closed {
		t.Errorf("the newest is %+v (%v)", newest, err)
	}
	unknown, err := b.store.Newest(b.ctx, Identity{Node: "nas", Path: "b.flv"})
	if err != nil || unknown.State != "" || unknown.ID != (Identity{Node: "nas", Path: "b.flv"}).ID() {
		t.Errorf("an unknown path is %+v (%v)", unknown, err)
	}
}

func TestIngest_isOneRecordingHoweverManyTellAtOnce(t *testing.T) {
	b, _ := realBench(t)
	const tellers = 60
	facts := make([]Fact, tellers)
	for i := range facts {
		kind := FileWasClosed
		if i%3 == 0 {
			kind = FileWasOpened
		}
		facts[i] = b.fact(kind, seen("a.flv", morning()))
	}
	var all sync.WaitGroup
	errs := make([]error, tellers)
	for i, f := range facts {
		all.Go(func() { _, errs[i] = b.store.Ingest(b.ctx, f, resolved) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	list, _, err := b.store.List(b.ctx, Query{Limit: 10})
	if err != nil || len(list) != 1 || list[0].State != Closed {
		t.Errorf("recordings are %+v (%v)", list, err)
	}
	if n := len(slices.DeleteFunc(b.commands(), func(c string) bool { return c != FileClosed })); n != 1 {
		t.Errorf("%d FileClosed events", n)
	}
}

func TestIngest_writesNothingWhenTheFlowCannotBeChosen(t *testing.T) {
	b := newBench(t)
	no := errors.New("no flow")
	f := b.fact(FileWasClosed, seen("a.flv", morning()))
	if _, err := b.store.Ingest(b.ctx, f, func(Recording) (Flow, error) { return Flow{}, no }); !errors.Is(err, no) {
		t.Errorf("error is %v", err)
	}
	if r := b.ingest(f); r.State != Closed {
		t.Errorf("the same event later gave %+v", r)
	}
}

func TestIngest_letsTheChoiceKnowWhatTheEventSaw(t *testing.T) {
	b := newBench(t)
	b.ingest(b.fact(FileWasOpened, Sighting{Node: "nas", Path: "a.flv", ShortID: 3}))
	var knew Recording
	_, err := b.store.Ingest(b.ctx, b.fact(FileWasClosed, Sighting{Node: "nas", Path: "a.flv", RoomID: 7, Size: 9, Duration: 2.5}), func(r Recording) (Flow, error) {
		knew = r
		return DefaultFlow(), nil
	})
	if err != nil || knew.RoomID != 7 || knew.ShortID != 3 || knew.SizeBytes != 9 || knew.DurationSeconds != 2.5 {
		t.Errorf("the choice knew %+v (%v)", knew, err)
	}
}

func TestApply_countsAFactOnceAndRefusesUnknownRecordings(t *testing.T) {
	b := newBench(t)
	if _, err := b.store.Apply(b.ctx, Fact{ID: "x", Kind: PersonCancels, Recording: "0123456789abcdef"}); !errors.Is(err, ErrNoRecording) {
		t.Errorf("error is %v", err)
	}
	rec := b.closed("a.flv")
	f := Fact{ID: "began", Kind: StepBegan, At: morning(), Recording: rec.ID, Run: 1, Step: "transcode"}
	b.apply(f)
	f.Kind = StepSucceeded // the same id: it is known, whatever it says
	if again := b.apply(f); again.State != Running || again.Steps[0].State != StepRunning {
		t.Errorf("a known fact was taken again: %+v", again)
	}
}

func TestApply_losesNothingWhenManyTellAtOnce(t *testing.T) {
	b, _ := realBench(t)
	rec := b.closed("a.flv")
	var all sync.WaitGroup
	errs := make([]error, 15) // fewer than maxTries: each round lets one through
	for i := range errs {
		all.Go(func() {
			_, errs[i] = b.store.Apply(b.ctx, Fact{
				ID: fmt.Sprintf("try %d", i), Kind: StepFailsNow, At: morning(), Recording: rec.ID, Run: 1, Step: "transcode", Attempts: i,
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	after, err := b.store.Recording(b.ctx, rec.ID)
	if err != nil || after.Steps[0].Attempts != 14 {
		t.Errorf("recording is %+v (%v)", after, err)
	}
	if n := len(b.commands()); n != 16 {
		t.Errorf("%d events, want 16", n)
	}
}
