package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"

	"github.com/ngworks/nglive/tasks"
)

const monitorRoot = "/asynq"

// monitor is the queue dashboard without what would hurt: fonts from abroad, a way to delete whole queues, raw payloads.
type monitor struct{ inner *asynqmon.HTTPHandler }

func newMonitor(opt asynq.RedisClientOpt) *monitor {
	return &monitor{asynqmon.New(asynqmon.Options{
		RootPath: monitorRoot, RedisConnOpt: opt,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(describePayload),
		ResultFormatter:  asynqmon.ResultFormatterFunc(func(_ string, result []byte) string { return printable(string(result)) }),
	})}
}

// Close lets go of Redis.
func (m *monitor) Close() error {
	if err := m.inner.Close(); err != nil {
		return fmt.Errorf("close the queue dashboard: %w", err)
	}
	return nil
}

func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api, isAPI := strings.CutPrefix(path.Clean(r.URL.Path), monitorRoot+"/api/")
	switch {
	case isAPI && r.Method == http.MethodDelete && deletesQueue(api):
		w.Header().Set("Allow", "GET")
		refuse(w, http.StatusMethodNotAllowed, "queues_stay", "Queues belong to their nodes and cannot be deleted here. Pause the queue, or delete its tasks.")
	case isAPI:
		m.api(w, r)
	default:
		m.asset(w, r)
	}
}

func deletesQueue(api string) bool {
	queue, ok := strings.CutPrefix(api, "queues/")
	return ok && !strings.Contains(queue, "/")
}

// api answers 404 where the dashboard would answer an unknown action with its page and a 200, so that nobody believes it done.
func (m *monitor) api(w http.ResponseWriter, r *http.Request) {
	p := render(m.inner, r)
	if bytes.HasPrefix(p.body.Bytes(), []byte("<!doctype html>")) {
		refuse(w, http.StatusNotFound, "not_found", "The queue dashboard knows no such action.")
		return
	}
	p.send(w)
}

// asset sends a file of the dashboard with its true type; every path that is no file is the dashboard's one page.
func (m *monitor) asset(w http.ResponseWriter, r *http.Request) {
	p := render(m.inner, r)
	kind := p.header.Get("Content-Type")
	body := p.body.Bytes()
	if p.status == http.StatusOK && (kind == "" || strings.HasPrefix(kind, "text/html")) {
		kind = "text/html; charset=utf-8"
		p.body = *bytes.NewBuffer(foreignFonts().ReplaceAll(body, nil))
	} else if known := mime.TypeByExtension(path.Ext(r.URL.Path)); known != "" {
		kind = known
	}
	p.header.Set("Content-Type", cmp.Or(kind, "application/octet-stream"))
	if strings.HasPrefix(r.URL.Path, monitorRoot+"/static/") {
		p.header.Set("Cache-Control", "private, max-age=31536000, immutable") // its name holds a hash of it
	}
	p.send(w)
}

// foreignFonts are the two links that keep the page blank where their host does not answer.
func foreignFonts() *regexp.Regexp {
	return regexp.MustCompile(`<link[^>]*href="https?://[^>]*>`)
}

// describePayload says what a task is about, in a line for people.
func describePayload(kind string, payload []byte) string {
	var step tasks.StepTask
	var notify tasks.NotifyTask
	var room tasks.RoomCommand
	for _, into := range []any{&step, &notify, &room} {
		_ = json.Unmarshal(payload, into) // what it is not stays empty
	}
	switch {
	case step.Recording != "":
		return printable(fmt.Sprintf("%s · step %s, run %d · recording %s · room %d · node %s",
			step.File, step.Step, step.Run, step.Recording, step.Room, step.Node))
	case notify.Channel != "":
		var e tasks.Event
		if json.Unmarshal(notify.Event, &e) != nil {
			return printable("an event to channel " + notify.Channel)
		}
		return printable(strings.TrimSpace(fmt.Sprintf("%s to channel %s · %s %s", e.CMD, notify.Channel, e.ID, e.MSG)))
	case room.Action != "":
		return printable(fmt.Sprintf("%s room %d", room.Action, room.RoomID))
	}
	return fmt.Sprintf("%s, %d bytes", kind, len(payload))
}

// longestText is how much of a text the dashboard's tables bear.
const longestText = 500

// printable is a text without addresses, which may hold secrets, and without what does not print.
func printable(text string) string {
	text = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://\S+`).ReplaceAllString(strings.ToValidUTF8(text, "?"), "(address)")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, redacted(text))
	if utf8.RuneCountInString(text) > longestText {
		text = string([]rune(text)[:longestText]) + "…"
	}
	return text
}
