package tasks

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
)

func (b *bench) follow(r Recording) {
	b.t.Helper()
	if err := b.queue.Follow(b.ctx, r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) task(queue, id string) *asynq.TaskInfo {
	b.t.Helper()
	i, err := b.queue.Inspector().GetTaskInfo(queue, id)
	if err != nil {
		b.t.Fatalf("task %s in %s: %v", id, queue, err)
	}
	return i
}

func TestQueue_enqueuesWhatIsDueOnceWithItsOptions(t *testing.T) {
	b := newBench(t)
	rec := b.closed("a.flv")
	b.follow(rec)
	b.follow(rec)
	i := b.task("remux.nas", rec.ID+".1.transcode")
	if i.Type != TypeTranscode || i.State != asynq.TaskStatePending || i.Timeout != taskTimeout || i.MaxRetry != taskMaxRetry || i.Retention != taskRetention {
		t.Errorf("task is %+v", i)
	}
	if list, err := b.queue.Tasks("remux.nas", "pending", 10); err != nil || len(list) != 1 || list[0].Recording != rec.ID || list[0].File != "a.flv" || list[0].Room != 7 {
		t.Errorf("tasks are %+v (%v)", list, err)
	}
	b.follow(Recording{State: Finished})
}

func TestQueue_makesADeadLetterOfATaskThatSomebodyArchived(t *testing.T) {
	b := newBench(t)
	rec := b.closed("a.flv")
	b.follow(rec)
	if err := b.queue.Inspector().ArchiveTask("remux.nas", rec.ID+".1.transcode"); err != nil {
		t.Fatal(err)
	}
	b.follow(rec)
	after, err := b.store.Recording(b.ctx, rec.ID)
	if err != nil || after.State != Failed || after.Steps[0].State != StepFailed {
		t.Errorf("recording is %+v (%v)", after, err)
	}
}

func TestQueue_retiresATaskThatWaits(t *testing.T) {
	b := newBench(t)
	rec := b.closed("a.flv")
	b.follow(rec)
	flow, err := b.store.PinnedFlow(b.ctx, rec.FlowKey)
	if err != nil {
		t.Fatal(err)
	}
	step, _ := flow.Step("transcode")
	b.queue.Retire(rec, *rec.Due(), step)
	if _, err := b.queue.Inspector().GetTaskInfo("remux.nas", rec.ID+".1.transcode"); !errors.Is(err, asynq.ErrTaskNotFound) {
		t.Errorf("it is still there (%v)", err)
	}
	b.queue.Retire(rec, *rec.Due(), step) // and nothing happens when it is gone
}

func TestQueue_readsPinnedFlowsFromRedisToo(t *testing.T) {
	b := newBench(t)
	rec := b.closed("a.flv")
	other := NewQueue(b.rdb, NewStore(b.rdb, time.Hour)) // another process
	if err := other.Follow(b.ctx, rec); err != nil {
		t.Fatal(err)
	}
	b.task("remux.nas", rec.ID+".1.transcode")
}

func TestQueue_notifiesEachChannelOnceAndAgainWhenAsked(t *testing.T) {
	b := newBench(t)
	task := NotifyTask{Channel: "hook", Event: []byte(`{"CMD":"UpEnded","ROOM":7,"FILE":"a.flv"}`)}
	for range 2 {
		if err := b.queue.Notify(b.ctx, "e.1", task); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.queue.Tasks(QueueNotify, "pending", 10)
	if err != nil || len(list) != 1 || list[0].ID != "e.1.hook" || list[0].Room != 7 || list[0].File != "a.flv" || list[0].Recording != "" {
		t.Fatalf("tasks are %+v (%v)", list, err)
	}
	if err := b.queue.RetryNotify("e.1.hook"); !errors.Is(err, ErrTaskBusy) {
		t.Errorf("a pending one was retried: %v", err)
	}
	if err := b.queue.RetryNotify("e.2.hook"); !errors.Is(err, ErrNoTask) {
		t.Errorf("error is %v", err)
	}
	if err := b.queue.Inspector().ArchiveTask(QueueNotify, "e.1.hook"); err != nil {
		t.Fatal(err)
	}
	if err := b.queue.RetryNotify("e.1.hook"); err != nil {
		t.Error(err)
	}
	if i := b.task(QueueNotify, "e.1.hook"); i.State != asynq.TaskStatePending {
		t.Errorf("it is %s", i.State)
	}
	if err := b.queue.CancelNotify("e.1.hook"); err != nil {
		t.Error(err)
	}
	if err := b.queue.CancelNotify("e.1.hook"); !errors.Is(err, ErrNoTask) {
		t.Errorf("error is %v", err)
	}
}

func TestQueue_tellsHowEachQueueIsDoing(t *testing.T) {
	b := newBench(t)
	rec := b.closed("a.flv")
	b.follow(rec)
	if err := b.queue.Register(b.ctx, b.rdb, NodeQueues("nas")...); err != nil {
		t.Fatal(err)
	}
	all, err := b.queue.Queues()
	if err != nil || len(all) != 5 {
		t.Fatalf("queues are %+v (%v)", all, err)
	}
	i := slices.IndexFunc(all, func(q QueueStatus) bool { return q.Name == "remux.nas" })
	if q := all[i]; q.Kind != KindRemux || q.Node != "nas" || q.Pending != 1 || q.Paused {
		t.Errorf("queue is %+v", q)
	}
	i = slices.IndexFunc(all, func(q QueueStatus) bool { return q.Name == QueueNotify })
	if q := all[i]; q.Kind != KindNotify || q.Node != "" {
		t.Errorf("queue is %+v", q)
	}
}

func TestCutTaskID_takesStepTasksOnly(t *testing.T) {
	id := TaskID("0123456789abcdef", 12, "upload-2")
	if rec, run, step, ok := CutTaskID(id); !ok || rec != "0123456789abcdef" || run != 12 || step != "upload-2" {
		t.Errorf("%s is %s, %d, %s, %v", id, rec, run, step, ok)
	}
	for _, id := range []string{
		"", "0123456789abcdef", "0123456789abcdef.1", "0123456789abcdef.1.", "0123456789abcdef.x.upload", "0123456789abcdef.0.upload",
		"0123456789abcdef.1.upload.0.hook", "brec2.98f85267-e08c-4f15-ad9a-1fc463d42b0b.0.hook", "0123456789ABCDEF.1.upload",
		"0123456789abcdef.99999999999999999999.upload", "0123456789abcdef..upload",
	} {
		if _, _, _, ok := CutTaskID(id); ok {
			t.Errorf("%q was taken", id)
		}
	}
}

func TestGathered_answersEachScriptOnItsOwn(t *testing.T) {
	b, _ := realBench(t)
	sha, err := b.rdb.ScriptLoad(b.ctx, "if ARGV[1] == 'bad' then return redis.error_reply('bad one') end return ARGV[1]").Result()
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		want, got string
		err       error
	}
	answers := make(chan answer)
	const n = 200
	for i := range n {
		go func() {
			want := string(rune('a' + i%26))
			if i%10 == 0 {
				want = "bad"
			}
			got, err := b.store.bulk.EvalSha(b.ctx, sha, []string{"k"}, want).Text()
			answers <- answer{want, got, err}
		}()
	}
	for range n {
		if a := <-answers; (a.want == "bad") != (a.err != nil) || (a.err == nil && a.got != a.want) {
			t.Errorf("%q was answered %q (%v)", a.want, a.got, a.err)
		}
	}
}

func TestGathered_letsACallerGoWhoseTimeIsUp(t *testing.T) {
	b, server := realBench(t)
	b.closed("a.flv")
	server.Pause()
	defer server.Resume()
	ctx, stop := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer stop()
	if err := b.store.bulk.EvalSha(ctx, "0", nil).Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	server.Resume()
	b.closed("b.flv") // and the next ones pass
}

func TestGathered_passesAnOutageOnToEveryCaller(t *testing.T) {
	b, server := realBench(t)
	b.closed("a.flv")
	server.Stop()
	errs := make(chan error)
	for range 5 {
		go func() {
			_, err := b.store.Ingest(b.ctx, Fact{ID: "x", Kind: FileWasClosed, Seen: Sighting{Node: "nas", Path: "x.flv"}}, resolved)
			errs <- err
		}()
	}
	for range 5 {
		if err := <-errs; err == nil {
			t.Error("somebody was told that it was written")
		}
	}
	server.Start()
	b.closed("b.flv")
}
