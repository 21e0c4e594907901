package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// errRedisAway makes a delivery come back shortly; it costs nothing.
var errRedisAway = errors.New("redis is away")

// deliver is the Asynq handler of one kind: it starts or joins the job of the task and waits for its verdict.
func (w *Worker) deliver(kind string) asynq.HandlerFunc {
	return func(ctx context.Context, t *asynq.Task) error {
		id, ok := asynq.GetTaskID(ctx)
		if !ok {
			return deadLetter("the task came without an id")
		}
		d := delivery{w: w, id: id, kind: kind, queue: tasks.QueueOf(kind, w.cfg.Node), typ: t.Type()}
		work, answer, err := d.open(ctx, t.Payload())
		if work == nil {
			return cmpErr(answer, err)
		}
		j := w.jobs.startOrJoin(&job{id: id, recording: d.step.Recording, run: d.step.Run, step: d.step.Step}, work) //nolint:contextcheck // a job outlives its delivery
		if j == nil {
			<-ctx.Done() // stopping: Asynq puts the task back
			return ctx.Err()
		}
		return w.await(ctx, j)
	}
}

func cmpErr(a, b error) error {
	if b != nil {
		return b
	}
	return a
}

// await returns the job's verdict, or the delivery's end.
func (w *Worker) await(ctx context.Context, j *job) error {
	select {
	case <-j.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if errors.Is(j.err, errShutdown) {
		<-ctx.Done() // Asynq puts it back to the head of its queue
		return ctx.Err()
	}
	return j.err
}

// delivery is one arrival of a task.
type delivery struct {
	w     *Worker
	id    string
	kind  string
	queue string
	typ   string
	step  tasks.StepTask
}

// open decides what a delivery is for. No work means that the answer is known already.
func (d *delivery) open(ctx context.Context, payload []byte) (work func(context.Context) error, answer, err error) {
	e, err := d.w.journal.read(d.id)
	if err != nil || (e.Done && e.Final == nil) {
		return nil, nil, err
	}
	if err := json.Unmarshal(payload, &d.step); err != nil {
		return nil, deadLetter("the task's payload is not readable"), nil
	}
	if d.step.Recording == "" {
		return d.openNotification(ctx, payload, e)
	}
	r, err := d.w.store.Recording(ctx, d.step.Recording)
	switch {
	case errors.Is(err, tasks.ErrNoRecording):
		return nil, deadLetter("its recording is unknown"), nil
	case err != nil:
		return nil, &verdict{2 * time.Second, &held{reason: errRedisAway.Error()}}, nil
	}
	info := r.Step(d.step.Step)
	if info == nil || info.Run != d.step.Run || info.State == tasks.StepDone || info.State == tasks.StepSkipped {
		return nil, nil, nil // superseded, or done
	}
	if e.Done { // and Redis forgot that we told it
		return nil, nil, d.w.journal.post(letter{Fact: e.Final})
	}
	if dead := info.State == tasks.StepFailed || info.State == tasks.StepCancelled; dead || e.Dead != "" {
		why := cmp.Or(e.Dead, info.Error, info.Reason)
		if asked, err := d.askedFor(why); err != nil || !asked {
			return nil, cmpErr(deadLetter(why), err), nil
		}
		if err := d.revive(); err != nil {
			return nil, nil, err
		}
	}
	flow, err := d.w.store.PinnedFlow(ctx, r.FlowKey)
	if err != nil {
		return nil, &verdict{2 * time.Second, &held{reason: errRedisAway.Error()}}, nil
	}
	step, _ := flow.Step(d.step.Step)
	if step.KindOf(info) != d.kind {
		return nil, nil, nil // it went on to another queue
	}
	return func(ctx context.Context) error {
		return d.perform(ctx, &assignment{rec: r, step: step, info: *info, flow: flow})
	}, nil, nil
}

// askedFor reports whether a person ran the dead letter again. Asynq keeps a task's last error: only when that is our own verdict did
// it archive the task, and only then can a delivery be somebody's "Run". Anything else is the echo of a cancel, or of a death between
// our journal and Asynq, and is answered once more.
func (d *delivery) askedFor(why string) (bool, error) {
	t, err := d.w.queue.Inspector().GetTaskInfo(d.queue, d.id)
	if err != nil {
		return false, &verdict{2 * time.Second, &held{reason: errRedisAway.Error()}}
	}
	return strings.Contains(t.LastErr, why) || why == archivedByHand, nil
}

// revive: a person ran a dead letter from the dashboard, so it gets a full new policy.
func (d *delivery) revive() error {
	_, err := d.w.journal.change(d.id, func(e *entry) []letter {
		*e = entry{Queue: e.Queue, Recording: e.Recording, Sealed: e.Sealed, Seen: e.Seen, Delivered: e.Delivered, Links: e.Links}
		return []letter{d.fact(tasks.Fact{Kind: tasks.StepRevived})}
	})
	return err
}

// fact addresses a fact to this delivery's step.
func (d *delivery) fact(f tasks.Fact) letter {
	f.ID, f.At = uuid.NewString(), time.Now()
	f.Recording, f.Run, f.Step = d.step.Recording, d.step.Run, d.step.Step
	return letter{Fact: &f}
}

// assignment is a step to be done.
type assignment struct {
	rec  tasks.Recording
	step tasks.Step
	info tasks.StepInfo
	flow tasks.Flow // of which the step is one
}

// perform is a job: wait for a slot and for the recording's files, begin, do, and journal how it ended.
func (d *delivery) perform(ctx context.Context, a *assignment) error {
	err := d.w.goesOn(ctx, a) // first: to be ready may take the only look at a stopped target
	if err == nil {
		err = d.w.ready(ctx, a)
	}
	if err != nil {
		return d.settle(ctx, err, nil)
	}
	slot := d.w.slots[d.kind]
	if err := slot.take(ctx); err != nil {
		return d.settle(ctx, err, nil)
	}
	defer slot.free()
	unlock, err := d.w.locks.take(ctx, a.rec.ID)
	if err != nil {
		return d.settle(ctx, err, nil)
	}
	defer unlock()
	e, err := d.begin()
	if err != nil || e.Done {
		return err
	}
	if e.Crashes >= maxCrashes {
		return d.settle(ctx, problemf(tell, "the worker died %d times while it did this step of %s; look into its log, then retry", e.Crashes, a.rec.Path), nil)
	}
	started := time.Now()
	res, err := d.w.do(ctx, d, a, e)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // a child that was stopped says so in its own words
	}
	if all, ok := errors.AsType[*stopped](err); ok {
		err = d.w.stopTarget(ctx, all)
	}
	d.w.steps.WithLabelValues(a.step.Type, outcomeOf(err)).Observe(time.Since(started).Seconds())
	return d.settle(ctx, err, res)
}

// begin journals the attempt before it starts, so that one which takes the whole worker down is counted.
func (d *delivery) begin() (entry, error) {
	return d.w.journal.change(d.id, func(e *entry) []letter {
		if e.Done { // the job before this one ended while this delivery was on its way
			return nil
		}
		if !e.Began.IsZero() {
			if e.Life != d.w.life { // else only its end could not be written: the disk was full
				e.Crashes++
			}
			e.Attempts--
		}
		e.Queue, e.Recording = d.queue, d.step.Recording
		e.Began, e.Life = time.Now(), d.w.life
		e.Attempts++
		if e.Inside { // it waits for the same thing as before until it gets past it
			return nil
		}
		e.Reason = "" // what held it outside is over
		return []letter{d.fact(tasks.Fact{Kind: tasks.StepBegan, Attempts: e.Attempts})}
	})
}

// result is what a step made.
type result struct {
	output  *tasks.Output
	warning string
	seen    tasks.Sighting // what was learned about the source
}

// settle journals how an attempt ended and says what Asynq shall do.
func (d *delivery) settle(_ context.Context, err error, res *result) error {
	if res == nil {
		res = &result{}
	}
	var answer error
	_, jerr := d.w.journal.change(d.id, func(e *entry) []letter {
		var letters []letter
		letters, answer = d.outcome(e, err, res)
		return letters
	})
	tasks.Failpoint("deliver.answer")
	return cmpErr(answer, jerr)
}

func (d *delivery) outcome(e *entry, err error, res *result) ([]letter, error) {
	began := !e.Began.IsZero()
	if began {
		defer func() { e.Inside = e.Reason != "" }()
	}
	e.Queue, e.Recording, e.Began = d.queue, d.step.Recording, time.Time{}
	var (
		waits *held
		pass  *passed
		move  *reroute
		lost  *gone
	)
	switch {
	case err == nil:
		told := d.fact(tasks.Fact{Kind: tasks.StepSucceeded, Output: res.output, Warning: res.warning, Seen: res.seen, Attempts: e.Attempts})
		e.Done, e.Sealed, e.Seen, e.Reason, e.Final = true, nil, tasks.Sighting{}, "", told.Fact
		return []letter{told}, nil
	case errors.Is(err, errShutdown):
		if began {
			e.Attempts--
		}
		return nil, errShutdown
	case errors.Is(err, errStopped), errors.Is(err, errSuperseded):
		e.Dead = "stopped by a person"
		return []letter{d.fact(tasks.Fact{Kind: tasks.StepStopped})}, deadLetter(e.Dead)
	case errors.As(err, &pass):
		told := d.fact(tasks.Fact{Kind: tasks.StepPassed, Reason: pass.reason, Seen: pass.seen})
		e.Done, e.Reason, e.Final = true, "", told.Fact
		return []letter{told}, nil
	case errors.As(err, &move):
		*e = entry{Queue: e.Queue, Recording: e.Recording} // the same task starts anew in the other queue
		return []letter{d.fact(tasks.Fact{Kind: tasks.StepRequeued, Mode: move.mode, Warning: move.warning})}, nil
	case errors.As(err, &waits), classOf(err) == space, isAway(err):
		return d.hold(e, err, waits, began)
	case errors.As(err, &lost):
		return d.giveUp(e, err, true)
	case classOf(err) != again || e.Attempts >= maxAttempts(d.typ):
		return d.giveUp(e, err, false)
	}
	e.Reason = ""
	after := backoff(e.Attempts)
	d.w.log.Warn("step failed and is tried again", "task", d.id, "attempt", e.Attempts, "after", after, "error", err)
	return []letter{d.fact(tasks.Fact{
		Kind: tasks.StepFailsNow, Error: words(err), RetryAt: time.Now().Add(after), Attempts: e.Attempts,
	})}, &verdict{after, errors.New(words(err))}
}

// hold keeps a step waiting without an attempt; it tells why once.
func (d *delivery) hold(e *entry, err error, waits *held, began bool) ([]letter, error) {
	if began {
		e.Attempts--
	}
	reason, target := words(err), ""
	if waits != nil {
		reason, target = waits.reason, waits.target
	}
	answer := &verdict{lookAgain(), &held{reason: reason}}
	if sameWords(e.Reason, reason) {
		return nil, answer
	}
	e.Reason = reason
	return []letter{d.fact(tasks.Fact{Kind: tasks.StepWaits, Reason: reason, Target: target})}, answer
}

func (d *delivery) giveUp(e *entry, err error, lost bool) ([]letter, error) {
	e.Dead, e.Reason = words(err), ""
	d.w.log.Error("step became a dead letter", "task", d.id, "attempts", e.Attempts, "error", err)
	return []letter{d.fact(tasks.Fact{Kind: tasks.StepGaveUp, Error: e.Dead, Gone: lost, Attempts: e.Attempts})}, deadLetter(e.Dead)
}

// sameWords compares reasons without the numbers in them, which change from look to look.
func sameWords(a, b string) bool {
	plain := func(c rune) rune {
		if (c >= '0' && c <= '9') || c == '.' {
			return -1
		}
		return c
	}
	return a != "" && strings.Map(plain, a) == strings.Map(plain, b)
}

func outcomeOf(err error) string {
	if err == nil {
		return "done"
	}
	return string(classOf(err))
}

// do calls the step's own file. A panic in it is that step's failure and nobody else's.
func (w *Worker) do(ctx context.Context, d *delivery, a *assignment, e entry) (res *result, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("step panicked", "task", d.id, "panic", p, "stack", string(debug.Stack()))
			err = problemf(again, "NGlive itself broke on %s (%v); please report this with its log", a.rec.Path, p)
		}
	}()
	switch a.step.Type {
	case tasks.StepTranscode:
		return w.transcode(ctx, d, a, e)
	case tasks.StepUpload:
		return w.upload(ctx, d, a, e)
	case tasks.StepDelete:
		return w.remove(ctx, a)
	case tasks.StepNotify:
		return w.notify(ctx, d, a, e)
	}
	return nil, problemf(never, "this worker does not know steps of type %q; update it, then retry", a.step.Type)
}

// unique names, in the order they came.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
