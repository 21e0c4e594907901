package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

const (
	shortestLive = time.Second
	longestLive  = time.Hour
	filmLength   = 4 * time.Second
)

// rehearse records a streamer who does not exist: a recorder's double in this process, NGlive's own client to drive it, its
// webhooks to the running NGlive, and then the way to the archive as for any recording.
type rehearse struct {
	*submission
	length time.Duration
	room   int64

	recorder *rehearsal.Recorder
	client   *recorder.Client
}

// run returns when the last file is closed and NGlive knows of it.
func (r *rehearse) run(ctx context.Context) error {
	r.complain("preparing a film of %s for the rehearsal / 正在准备排练用的画面\n", filmLength)
	film, err := rehearsal.MakeFilm(ctx, r.cfg.FFmpeg, filmLength)
	if err != nil {
		return err
	}
	end, err := r.open(film)
	if err != nil {
		return err
	}
	defer end()
	err = r.onAir(ctx)
	r.recorder.Stop() // lingers for its last webhooks, as the real one does
	if err != nil {
		return err
	}
	return r.handedIn(ctx)
}

// open starts the double on this machine, with a password of its own.
func (r *rehearse) open(film []byte) (end func(), err error) {
	password := rand.Text()
	r.recorder, err = rehearsal.New(rehearsal.Config{
		Dir: r.cfg.RecordingsDir, Film: film, Forgetful: true, Danmaku: true, User: "rehearsal", Password: password, Unresolved: -1,
		Streamers: []rehearsal.Streamer{{RoomID: r.room, Name: "NGlive", Title: "NGlive 排练 rehearsal", Parent: "科技", Child: "示例", Live: true}},
		Say:       func(line string) { r.complain("%s\n", line) },
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: r.recorder.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	if r.client, err = recorder.New(recorder.Config{URL: "http://" + l.Addr().String(), User: "rehearsal", Password: password}); err != nil {
		return nil, err
	}
	return func() { _ = server.Close() }, nil
}

// onAir tells the recorder of our webhook and of the room, and lets it record.
func (r *rehearse) onAir(ctx context.Context) error {
	hook, err := r.webhookAddress(r.cfg, r.submission.client.base, r.node)
	if err != nil {
		return err
	}
	if _, err := r.client.EnsureWebhook(ctx, hook); err != nil {
		return err
	}
	if _, err := r.client.Add(ctx, r.room, true); err != nil {
		return err
	}
	r.complain("recording room %d for %s; watch it at %s/ / 正在录制房间 %d，可在网页上查看\n", r.room, r.length, r.submission.client.base, r.room)
	if err := r.watchIt(ctx); err != nil {
		return err
	}
	_, err = r.client.Stop(ctx, r.room)
	return err
}

// watchIt shows how the file grows.
func (r *rehearse) watchIt(ctx context.Context) error {
	var show func(past time.Duration, size int64)
	if isTerminal(r.stderr) {
		bar := progressbar.NewOptions(int(r.length.Seconds()), progressbar.OptionSetWriter(r.stderr), progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish())
		defer func() { _ = bar.Clear() }()
		show = func(past time.Duration, size int64) {
			bar.Describe("recording 录制中 " + bytesText(uint64(max(size, 0))))
			_ = bar.Set(int(past.Seconds()))
		}
	} else {
		last := time.Duration(0)
		show = func(past time.Duration, size int64) {
			if past-last >= 10*time.Second {
				last = past
				r.complain("recorded %s: %s / 已录制\n", past.Round(time.Second), bytesText(uint64(max(size, 0))))
			}
		}
	}
	for began := time.Now(); ; {
		past := time.Since(began)
		if past >= r.length {
			return nil
		}
		room, err := r.client.Room(ctx, r.room)
		if err != nil {
			return err
		}
		show(past, room.Stats.TotalOutputBytes)
		if !pause(ctx, min(time.Second, r.length-past)) {
			return ctx.Err()
		}
	}
}

// handedIn finds NGlive's recordings of what the recorder wrote.
func (r *rehearse) handedIn(ctx context.Context) error {
	for _, path := range r.recorder.Files() {
		known, err := r.submission.client.newest(ctx, r.node, path)
		if err != nil {
			return err
		}
		if known.ID == "" || known.State == tasks.Opening {
			return fmt.Errorf("NGlive was not told of %s: its log says why / NGlive 没有收到录像通知，请查看它的日志", path)
		}
		r.list = append(r.list, &watched{name: filepath.Base(path), id: known.ID})
	}
	if len(r.list) == 0 {
		return errors.New("nothing was recorded / 没有录到任何内容")
	}
	return nil
}

// liveSample is "nglive sample --live".
func (s *submission) liveSample(ctx context.Context, length time.Duration, room int64) int {
	r := &rehearse{submission: s, length: length, room: room}
	if err := r.run(ctx); err != nil {
		if ctx.Err() != nil {
			return s.stopped()
		}
		return s.answer(err)
	}
	return s.follow(ctx)
}
