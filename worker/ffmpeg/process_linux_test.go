package ffmpeg_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ngworks/nglive/worker/ffmpeg"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// stubborn ignores SIGINT, has a child that does so too, and names both.
const stubborn = `trap '' INT TERM
sleep 600 &
echo $! > "$0.grandchild"
echo $$ > "$0.tmp"; mv "$0.tmp" "$0.pid"
echo "out_time_us=1"
echo "progress=continue"
wait`

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if done() {
			return
		}
		<-time.After(2 * time.Millisecond) // between two looks at a process
	}
	t.Fatalf("did not happen in 20 s: %s", what)
}

func pidIn(t *testing.T, path string) int {
	t.Helper()
	pid := 0
	eventually(t, path+" names a process", func() bool {
		text, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	return pid
}

// alive says whether a process runs; one that only waits to be reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func fakeJob(t *testing.T) ffmpeg.Job {
	t.Helper()
	return ffmpeg.Job{
		Settings: ffmpeg.Settings{Mode: ffmpeg.Copy}, In: "/rec/a.flv",
		Out: filepath.Join(t.TempDir(), "a.part.mp4"), Grace: 100 * time.Millisecond,
	}
}

func wantNoChild(t *testing.T, tools ffmpeg.Tools) {
	t.Helper()
	for _, name := range []string{".pid", ".grandchild"} {
		pid := pidIn(t, tools.FFmpeg+name)
		eventually(t, "the process of "+name+" has ended", func() bool { return !alive(pid) })
	}
}

func TestRun_aCancelledJobLeavesNoChildThatIgnoresSignals(t *testing.T) {
	tools := answering(t, stubborn)
	ctx, cancel := context.WithCancel(t.Context())
	j := fakeJob(t)
	j.Progress = func(ffmpeg.Progress) { cancel() }
	if _, err := tools.Run(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantNoChild(t, tools)
}

func TestRun_aChildOfFFmpegDoesNotOutliveIt(t *testing.T) {
	tools := answering(t, strings.TrimSuffix(stubborn, "wait")+"exit 3")
	_, err := tools.Run(t.Context(), fakeJob(t))
	wantError(t, err, ffmpeg.Exited, ffmpeg.Again)
	if exit := asError(t, err).Exit; exit != 3 {
		t.Errorf("exit code %d", exit)
	}
	wantNoChild(t, tools)
}

func TestRun_endsOneThatHangs(t *testing.T) {
	// It goes on reporting, but gets nowhere. No program is started in the
	// loop: what a child read counts as read by its parent.
	tools := answering(t, `echo $$ > "$0.pid"; echo $$ > "$0.grandchild"
while :; do echo "out_time_us=5000000"; echo "progress=continue"; done`)
	j := fakeJob(t)
	j.StallTimeout = 300 * time.Millisecond
	begun := time.Now()
	_, err := tools.Run(t.Context(), j)
	wantError(t, err, ffmpeg.Stalled, ffmpeg.Again)
	if took := time.Since(begun); took > 20*j.StallTimeout {
		t.Errorf("took %v", took)
	}
	wantNoChild(t, tools)
}

func TestRun_doesNotCallASecondPassAStall(t *testing.T) {
	// It reports and reads nothing for longer than the timeout, while its
	// output changes; here the test changes it.
	tools := answering(t, `echo $$ > "$0.tmp"; mv "$0.tmp" "$0.pid"; read x < "$0.fifo"`)
	fifo := tools.FFmpeg + ".fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	j := fakeJob(t)
	j.StallTimeout = 400 * time.Millisecond
	done := make(chan error, 1)
	go func() {
		_, err := tools.Run(t.Context(), j)
		done <- err
	}()
	pidIn(t, tools.FFmpeg+".pid")
	begun, tick := time.Now(), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for time.Since(begun) < 4*j.StallTimeout {
		flvtest.Write(t, filepath.Dir(j.Out), filepath.Base(j.Out), []byte("a second pass"))
		select {
		case err := <-done:
			t.Fatalf("ended after %v: %v", time.Since(begun), err)
		case <-tick.C:
		}
	}
	if err := os.WriteFile(fifo, []byte("end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRun_tellsACrashFromAKill(t *testing.T) {
	for script, kind := range map[string]ffmpeg.Kind{
		"kill -SEGV $$": ffmpeg.Killed,
		"kill -KILL $$": ffmpeg.Killed,
		"echo '[error] Cannot allocate memory' >&2; exit 1":          ffmpeg.Exited,
		"echo 'Exiting normally, received signal 15.' >&2; exit 255": ffmpeg.Killed,
	} {
		_, err := answering(t, script).Run(t.Context(), fakeJob(t))
		wantError(t, err, kind, ffmpeg.Again)
	}
}

func TestRun_takesAnyAmountOfOutput(t *testing.T) {
	tools := answering(t, `head -c 20000000 /dev/zero | tr '\0' x >&2; echo >&2
head -c 20000000 /dev/zero | tr '\0' y
i=0; while [ $i -lt 1000 ]; do echo "line $i" >&2; i=$((i+1)); done
echo '[mp4] [warning] New audio stream 0:1' >&2`)
	result, err := tools.Run(t.Context(), fakeJob(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Lines) != 200 || result.Lines[198] != "line 999" {
		t.Errorf("%d lines, %q", len(result.Lines), result.Lines[len(result.Lines)-1])
	}
	if len(result.Findings) != 1 || !result.Findings[0].Fatal {
		t.Errorf("findings %+v", result.Findings)
	}
}

func TestRun_givesWayToTheRecorder(t *testing.T) {
	tools := answering(t, `echo $$ > "$0.tmp"; mv "$0.tmp" "$0.pid"
while [ ! -e "$0.go" ]; do sleep 0.01; done`)
	done := make(chan error, 1)
	go func() {
		_, err := tools.Run(t.Context(), fakeJob(t))
		done <- err
	}()
	pid := pidIn(t, tools.FFmpeg+".pid")
	eventually(t, "the priority is low", func() bool {
		prio, err := unix.Getpriority(unix.PRIO_PROCESS, pid) // the kernel answers 20 - nice
		io, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(pid), 0)
		return err == nil && prio == 10 && io == 2<<13|7
	})
	flvtest.Write(t, filepath.Dir(tools.FFmpeg), "ffmpeg.go", nil)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRun_diesWithItsParent starts this test binary again as a parent that is
// killed while its ffmpeg runs.
func TestRun_diesWithItsParent(t *testing.T) {
	const child = "NGLIVE_TEST_FFMPEG"
	if script := os.Getenv(child); script != "" {
		_, _ = ffmpeg.Tools{FFmpeg: script}.Run(t.Context(), ffmpeg.Job{
			Settings: ffmpeg.Settings{Mode: ffmpeg.Copy}, In: "/a", Out: script + ".out",
		})
		return
	}
	tools := answering(t, `echo $$ > "$0.pid"; exec sleep 600`)
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun_diesWithItsParent$")
	parent.Env = append(os.Environ(), child+"="+tools.FFmpeg)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pidIn(t, tools.FFmpeg+".pid")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the parent ended by itself")
	}
	eventually(t, "the child died with its parent", func() bool { return !alive(pid) })
}
