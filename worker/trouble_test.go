package worker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/ffmpeg"
)

// program writes an executable script that stands for ffmpeg: what it does first, then the real one.
func program(t *testing.T, first string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(p, []byte("#!/bin/sh\n"+first+"\nexec ffmpeg \"$@\"\n"), 0o700)) //nolint:gosec // it is to be run
	return p
}

// TestTrouble_ffmpegMissing is said once, in words, and a retry after the installation goes on.
func TestTrouble_ffmpegMissing(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.FFmpeg = filepath.Join(t.TempDir(), "no-ffmpeg")
	s.clip("a.flv", nil)
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Failed)
	assert.Contains(t, s.recording(r.ID).Error, "Install it")
	require.NoError(t, os.Symlink(program(t, ""), s.cfg.FFmpeg))
	r, err := s.store.Apply(t.Context(), tasks.Fact{ID: "again", Kind: tasks.PersonRetries, Recording: r.ID, At: time.Now()})
	require.NoError(t, err)
	require.NoError(t, s.queue.Follow(t.Context(), r))
	s.reaches(r.ID, tasks.Finished)
}

// TestTrouble_ffmpegCrashes, is killed or hangs: the attempt fails, nothing half-made stays, and it is tried again.
func TestTrouble_ffmpegCrashes(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{
		"crash": `case "$*" in *part.mp4*) if mkdir "$0.once" 2>/dev/null; then kill -SEGV $$; fi;; esac`,
		"kill":  `case "$*" in *part.mp4*) if mkdir "$0.once" 2>/dev/null; then kill -9 $$; fi;; esac`,
		"hang":  `case "$*" in *part.mp4*) if mkdir "$0.once" 2>/dev/null; then sleep 600; fi;; esac`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t)
			s.cfg.FFmpeg = program(t, first)
			if name == "hang" {
				s.cfg.StallTimeout = 10 * time.Second // long enough that a busy machine does not make a second stall of it
			}
			s.clip("a.flv", nil)
			s.start()
			r := s.closed("a.flv", tasks.DefaultFlow())
			s.until("it waits for its second attempt", func() bool { return s.step(r.ID, "transcode").State == tasks.StepRetrying })
			s.noParts()
			s.reaches(r.ID, tasks.Finished)
			assert.Equal(t, 2, s.step(r.ID, "transcode").Attempts)
		})
	}
}

// TestTrouble_sourceChangesMeanwhile: what grows, shrinks or vanishes during the work makes no wrong output.
func TestTrouble_sourceChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do  func(path string) error
		end tasks.State
	}{
		"grows": {func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, _ = f.WriteString("more")
			return f.Close()
		}, tasks.Finished},
		"vanishes": {os.Remove, tasks.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t)
			gate := filepath.Join(t.TempDir(), "gate")
			s.cfg.FFmpeg = program(t, `case "$*" in *part.mp4*) mkdir "`+gate+`.on"; while [ ! -e "`+gate+`" ]; do sleep 0.05; done;; esac`)
			s.clip("a.flv", nil)
			s.start()
			r := s.closed("a.flv", tasks.DefaultFlow())
			s.until("ffmpeg runs", func() bool { _, err := os.Stat(gate + ".on"); return err == nil })
			require.NoError(t, change.do(filepath.Join(s.cfg.RecordingsDir, "a.flv")))
			require.NoError(t, os.WriteFile(gate, nil, 0o600))
			s.reaches(r.ID, change.end)
			s.noParts()
		})
	}
}

// TestTrouble_diskFull holds the step before it starts, costs no attempt, and goes on by itself when there is room.
func TestTrouble_diskFull(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	full := filepath.Join(t.TempDir(), "full")
	require.NoError(t, os.WriteFile(full, nil, 0o600))
	s.cfg.DiskHold = func(total uint64) uint64 {
		if _, err := os.Stat(full); err == nil {
			return total
		}
		return 0
	}
	s.clip("a.flv", nil)
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Waiting)
	step := s.step(r.ID, "transcode")
	assert.Equal(t, tasks.StepWaiting, step.State)
	assert.Contains(t, step.Reason, "free some space")
	assert.Zero(t, step.Attempts)
	require.NoError(t, os.Remove(full))
	s.reaches(r.ID, tasks.Finished)
	assert.Contains(t, s.events(r.ID), tasks.StepHeld)
}

// TestTrouble_diskFullInTheMiddle: ffmpeg runs out of room. Nothing half-made stays, no attempt is spent, and it goes on by itself.
func TestTrouble_diskFullInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.FFmpeg = program(t, `case "$*" in *part.mp4*) if mkdir "$0.once" 2>/dev/null; then
for a in "$@"; do last=$a; done; echo half > "${last#file:}"; echo "[error] av_interleaved_write_frame(): No space left on device" >&2; exit 1; fi;; esac`)
	s.clip("a.flv", nil)
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Waiting)
	s.noParts()
	assert.Contains(t, s.step(r.ID, "transcode").Reason, "full")
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, s.step(r.ID, "transcode").Attempts)
}

// TestTrouble_redisAwayInEachStep: 30 s without Redis in the middle of the transcode, the upload and the notification.
func TestTrouble_redisAwayInEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"transcode", "upload", "notify"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s, hook := notifyingStation(t)
			s.slow.gate = make(chan struct{})
			gate := filepath.Join(t.TempDir(), "gate")
			s.cfg.FFmpeg = program(t, `case "$*" in *part.mp4*) mkdir "`+gate+`.on"; while [ ! -e "`+gate+`" ]; do sleep 0.05; done;; esac`)
			s.clip("a.flv", nil)
			s.start()
			flow := tasks.DefaultFlow()
			flow.Steps[1].With = map[string]any{"target": "slow"}
			r := s.closed("a.flv", flow)
			out := outage{s: s, middle: step, hook: hook}
			s.until("ffmpeg runs", func() bool { _, err := os.Stat(gate + ".on"); return err == nil })
			out.at("transcode", func() { _ = os.WriteFile(gate, nil, 0o600) })
			<-s.slow.began
			out.at("upload", func() { close(s.slow.gate) })
			out.at("notify", func() {})
			s.within(3*time.Minute, "it finishes", func() bool { return s.recording(r.ID).State == tasks.Finished })
			assert.Equal(t, 1, s.slow.count(), "uploaded once")
			s.noParts()
			_, err := ffmpeg.Tools{FFmpeg: "ffmpeg", FFprobe: "ffprobe"}.Probe(t.Context(), filepath.Join(s.cfg.OutputDir, s.step(r.ID, "transcode").Output.Path))
			require.NoError(t, err)
		})
	}
}

// outage takes Redis away in the middle of one step; the step ends while it is away.
type outage struct {
	s      *station
	middle string
	hook   *receiver
}

func (o outage) at(step string, end func()) {
	if step != o.middle {
		end()
		return
	}
	o.s.redis.Stop()
	<-time.After(15 * time.Second)
	end()
	<-time.After(15 * time.Second)
	o.s.redis.Start()
}
