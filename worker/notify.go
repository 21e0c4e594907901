package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// notify is a flow's notify step: it brings the recording's summary to the channels the step names. A channel that has it is not
// asked again.
func (w *Worker) notify(ctx context.Context, d *delivery, a *assignment, e entry) (*result, error) {
	if why := unmet(a, ""); why != "" {
		return nil, &passed{reason: why}
	}
	with := a.step.Notify()
	channels, err := w.named(with.Channels)
	if err != nil {
		return nil, err
	}
	if len(channels) == 0 {
		return nil, w.noChannel(ctx)
	}
	placed := []tasks.Recording{a.rec}
	if err := w.store.Placed(ctx, placed); err != nil {
		return nil, err
	}
	told := w.summaryOf(a, with.Message)
	told.BROADCAST = placed[0].Broadcast
	body, err := json.Marshal(summary{Event: told, Recording: placed[0]})
	if err != nil {
		return nil, fmt.Errorf("summary of %s: %w", a.rec.ID, err)
	}
	var failures []error
	for _, c := range channels {
		if slices.Contains(e.Delivered, c.name) {
			continue
		}
		if err := c.send(ctx, tasks.NotifyID(d.id, c.name), body); err != nil {
			failures = append(failures, err)
			continue
		}
		if _, err := w.journal.change(d.id, func(e *entry) []letter { e.Delivered = append(e.Delivered, c.name); return nil }); err != nil {
			return nil, err
		}
	}
	return &result{}, gentlest(failures)
}

// gentlest is the failure that promises most: as long as one channel may come back, the step is tried again.
func gentlest(failures []error) error {
	for _, err := range failures {
		if classOf(err) == again {
			return err
		}
	}
	return errors.Join(failures...)
}

// noChannel: this node has none. Another one may; then the step waits until that one takes it.
func (w *Worker) noChannel(ctx context.Context) error {
	others, err := w.channelsOf(ctx)
	if err != nil {
		return &held{reason: errRedisAway.Error()}
	}
	if len(others) > 0 {
		return &held{reason: "this node has no notification channel; another node that has one takes it"}
	}
	return &passed{reason: "no notification channel is set (NGLIVE_NOTIFY_URLS)"}
}

// summary is what a flow's notify step sends: an event's frame, with the recording as it is now beside it.
type summary struct {
	tasks.Event
	Recording tasks.Recording `json:"recording"`
}

func (w *Worker) summaryOf(a *assignment, message string) tasks.Event {
	e := tasks.Event{
		CMD: tasks.FlowFinished, ID: a.rec.ID, TS: tasks.Stamp(time.Now()), NODE: a.rec.Node, ROOM: a.rec.RoomID, STEP: a.step.ID,
		STATE: a.rec.State, NAME: a.rec.Name, TITLE: a.rec.Title, FILE: a.rec.Path, RUN: a.rec.Run, MSG: message,
		EVENT: tasks.TaskID(a.rec.ID, a.info.Run, a.step.ID),
	}
	for _, s := range a.rec.Steps {
		if s.State == tasks.StepDone && s.Output != nil {
			e.OUT = s.Output
		}
	}
	return e
}

func (w *Worker) named(names []string) ([]*channel, error) {
	var out []*channel
	for i := range w.channels {
		if c := &w.channels[i]; len(names) == 0 || slices.Contains(names, c.name) {
			out = append(out, c)
		}
	}
	if len(out) < len(names) {
		return nil, &held{reason: "a channel that the flow names is not set on this node (NGLIVE_NOTIFY_URLS)"}
	}
	return out, nil
}

// openNotification is for a task that brings one event to one channel.
func (d *delivery) openNotification(ctx context.Context, payload []byte, e entry) (work func(context.Context) error, answer, err error) {
	var t tasks.NotifyTask
	if err := json.Unmarshal(payload, &t); err != nil || t.Channel == "" {
		return nil, deadLetter("the notification is not readable"), nil
	}
	if e.Done {
		return nil, nil, nil
	}
	if e.Dead != "" {
		if asked, err := d.askedFor(e.Dead); err != nil || !asked {
			return nil, cmpErr(deadLetter(e.Dead), err), nil
		}
		if _, err := d.w.journal.change(d.id, func(e *entry) []letter { *e = entry{Queue: e.Queue}; return nil }); err != nil {
			return nil, nil, err
		}
	}
	i := slices.IndexFunc(d.w.channels, func(c channel) bool { return c.name == t.Channel })
	if i < 0 {
		return nil, d.elsewhere(ctx, t.Channel), nil
	}
	return func(ctx context.Context) error { return d.bring(ctx, &d.w.channels[i], t) }, nil, nil
}

// elsewhere: this node does not have the channel. Unless another one does, the notification is a dead letter.
func (d *delivery) elsewhere(ctx context.Context, name string) error {
	all, err := d.w.channelsOf(ctx)
	if err == nil && !slices.ContainsFunc(all, func(c tasks.Channel) bool { return c.Name == name }) {
		return deadLetter("the channel " + name + " is set on no node any more (NGLIVE_NOTIFY_URLS)")
	}
	return &verdict{lookAgain(), &held{reason: "this node does not have the channel " + name}}
}

// bring is the job of one notification.
func (d *delivery) bring(ctx context.Context, c *channel, t tasks.NotifyTask) error {
	if err := d.w.slots[tasks.KindNotify].take(ctx); err != nil {
		return err
	}
	defer d.w.slots[tasks.KindNotify].free()
	_, err := d.w.journal.change(d.id, func(e *entry) []letter {
		e.Queue, e.Began = d.queue, time.Now()
		e.Attempts++
		return nil
	})
	if err != nil {
		return err
	}
	err = c.send(ctx, eventID(t.Event, d.id), t.Event)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return d.brought(c, t, err)
}

func eventID(event []byte, otherwise string) string {
	var e tasks.Event
	if json.Unmarshal(event, &e) == nil && e.EVENT != "" {
		return e.EVENT
	}
	return otherwise
}

func (d *delivery) brought(c *channel, t tasks.NotifyTask, err error) error {
	var answer error
	_, jerr := d.w.journal.change(d.id, func(e *entry) []letter {
		e.Began = time.Time{}
		switch {
		case err == nil:
			e.Done = true
			return nil
		case errors.Is(err, errShutdown):
			e.Attempts--
			answer = errShutdown
			return nil
		case errors.Is(err, errStopped):
			e.Dead = "stopped by a person"
			answer = deadLetter(e.Dead)
			return nil
		case classOf(err) == again && e.Attempts < maxAttempts(tasks.TypeNotify):
			answer = &verdict{backoff(e.Attempts), err}
			return nil
		}
		e.Dead = words(err)
		answer = deadLetter(e.Dead)
		return []letter{{Event: d.undelivered(c, t, e.Dead)}}
	})
	return cmpErr(answer, jerr)
}

// undelivered tells the feed; it never becomes a notification itself.
func (d *delivery) undelivered(c *channel, t tasks.NotifyTask, why string) *tasks.Event {
	var about tasks.Event
	_ = json.Unmarshal(t.Event, &about)
	return &tasks.Event{
		CMD: tasks.NotifyError, ID: about.ID, TS: tasks.Stamp(time.Now()), NODE: d.w.cfg.Node, ROOM: about.ROOM, FILE: about.FILE, BROADCAST: about.BROADCAST,
		EVENT: fmt.Sprintf("undelivered.%s.%d", d.id, time.Now().UnixMilli()), MSG: fmt.Sprintf("%s did not reach channel %s: %s", about.CMD, c.name, why),
	}
}
