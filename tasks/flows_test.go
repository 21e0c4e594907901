package tasks

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestChangeFlows_losesNothingWhenManyChangeAtOnce(t *testing.T) {
	b, _ := realBench(t)
	var all sync.WaitGroup
	errs := make([]error, 15)
	for i := range errs {
		other := NewStore(b.rdb, time.Hour) // another process
		all.Go(func() {
			errs[i] = other.ChangeFlows(b.ctx, func(f *Flows) error {
				f.Flows = append(f.Flows, Flow{ID: fmt.Sprint(i)})
				return nil
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if f, err := b.store.Flows(b.ctx); err != nil || len(f.Flows) != len(errs) {
		t.Errorf("%d flows (%v)", len(f.Flows), err)
	}
}

func TestChangeFlows_writesNothingWhenTheChangeIsRefused(t *testing.T) {
	b := newBench(t)
	no := errors.New("no")
	err := b.store.ChangeFlows(b.ctx, func(f *Flows) error {
		f.Flows = append(f.Flows, Flow{ID: "x"})
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("error is %v", err)
	}
	if f, err := b.store.Flows(b.ctx); err != nil || len(f.Flows) != 0 {
		t.Errorf("flows are %+v (%v)", f, err)
	}
}

func TestFlows_areSeenAtOnceByWhoChangedThem(t *testing.T) {
	b := newBench(t)
	if _, err := b.store.Flows(b.ctx); err != nil {
		t.Fatal(err)
	}
	err := b.store.ChangeFlows(b.ctx, func(f *Flows) error {
		f.Flows, f.Rooms = []Flow{{ID: "x"}}, map[string]string{"7": "x"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.store.Flows(b.ctx)
	if err != nil || f.Choose(Recording{RoomID: 7}).ID != "x" {
		t.Errorf("flows are %+v (%v)", f, err)
	}
	if built, ok := f.Flow(DefaultFlowID); !ok || len(built.Steps) != 3 {
		t.Errorf("the default flow is %+v", built)
	}
}
