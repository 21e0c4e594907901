package recorder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// LockName is the file in the work folder that keeps a second recorder off it: the recorder itself does not.
const LockName = ".nglive-recorder.lock"

// errRunsElsewhere is why a recorder is not started.
var errRunsElsewhere = errors.New("another recorder works on the folder")

// lockFolder takes the folder for us and for the recorder that we start; the error says who has it.
func lockFolder(folder string) (*os.File, error) {
	f, err := lockFile(filepath.Join(folder, LockName))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the recorder's folder cannot be locked: %w / 无法锁定录播姬的工作目录", err)
	case f == nil:
		return nil, fmt.Errorf("%w %s: a recorder of another NGlive, or one that an earlier NGlive left behind and that still closes its files; two on one folder would spoil each other's settings / 该目录已有录播姬在运行（或仍在收尾）", errRunsElsewhere, folder)
	}
	return f, nil
}

// strangers looks for a recorder that works on the folder and is not ours. It sees what this user may see, and nothing inside
// of containers.
func strangers(ctx context.Context, p *Program) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	all, err := process.ProcessesWithContext(ctx)
	if err != nil {
		return nil // a system that shows no processes shows no strangers
	}
	for _, other := range all {
		if int(other.Pid) == os.Getpid() {
			continue
		}
		line, err := other.CmdlineSliceWithContext(ctx)
		if err != nil || len(line) < 3 || !looksLikeRecorder(line, p.Path) {
			continue
		}
		at := slices.IndexFunc(line, func(s string) bool { return slices.Contains([]string{"run", "r", "portable", "p"}, s) })
		if at < 0 {
			continue
		}
		cwd, _ := other.CwdWithContext(ctx)
		if slices.ContainsFunc(line[at+1:], func(arg string) bool { return sameFolder(arg, cwd, p.Folder) }) {
			return fmt.Errorf("%w %s: process %d; stop it, or set NGLIVE_RECORDER_URL instead of NGLIVE_RECORDER_PATH to use it / 进程 %d 是正在使用该目录的录播姬，请先停止它，或改用 NGLIVE_RECORDER_URL", errRunsElsewhere, p.Folder, other.Pid, other.Pid)
		}
	}
	return nil
}

// addressFree looks before the recorder does: whoever has the address would be taken for it.
func addressFree(ctx context.Context, listen string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("%s (%w)", taken(listen), err)
	}
	return l.Close()
}

// taken says that the recorder cannot have its address.
func taken(listen string) string {
	return fmt.Sprintf("the recorder cannot listen on %s: another program has that address, or this machine does not; stop the other one or set another NGLIVE_RECORDER_LISTEN / 录播姬无法监听该地址，请关闭占用它的程序或更换 NGLIVE_RECORDER_LISTEN", listen)
}

func looksLikeRecorder(line []string, path string) bool {
	return slices.ContainsFunc(line[:min(2, len(line))], func(s string) bool {
		return strings.Contains(strings.ToLower(filepath.Base(s)), "bililiverecorder") || filepath.Base(s) == filepath.Base(path)
	})
}

func sameFolder(arg, cwd, folder string) bool {
	if strings.HasPrefix(arg, "-") || arg == "" {
		return false
	}
	if !filepath.IsAbs(arg) {
		if cwd == "" {
			return false
		}
		arg = filepath.Join(cwd, arg)
	}
	a, errA := os.Stat(arg)
	b, errB := os.Stat(folder)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
