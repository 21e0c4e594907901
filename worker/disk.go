package worker

import (
	"context"
	"fmt"
	"math"

	"github.com/shirou/gopsutil/v4/disk"

	"github.com/ngworks/nglive/tasks"
)

// Reserve says how many bytes of a disk of that size shall stay free.
type Reserve func(total uint64) uint64

// usage asks a folder's disk; total is 0 when it cannot be asked.
func usage(dir string) (free, total uint64) {
	u, err := disk.Usage(dir)
	if err != nil {
		return 0, 0
	}
	return u.Free, u.Total
}

// roomOn returns a disk's free bytes above a reserve; negative when it is below. A disk that cannot be asked has room: the work
// itself will tell.
func (w *Worker) roomOn(dir string, keep Reserve) (free, above int64) {
	left, total := w.usage(dir)
	if total == 0 {
		return math.MaxInt64, math.MaxInt64
	}
	reserve := uint64(0)
	if keep != nil {
		reserve = keep(total)
	}
	return int64(left), int64(left) - int64(reserve) //nolint:gosec // disks hold less than 8 EiB
}

// ready says why a step cannot start now; nil when it can. Held steps take no slot.
func (w *Worker) ready(ctx context.Context, a *assignment) error {
	switch a.step.Type {
	case tasks.StepTranscode:
		return w.readyToTranscode(a)
	case tasks.StepUpload:
		if unmet(a, "") != "" {
			return nil // it is not for this recording, and waits for no target
		}
		return w.readyToUpload(ctx, a.step.Upload().Target)
	}
	return nil
}

// readyToUpload: a target that is stopped, or outside its hours, is not asked by every recording.
func (w *Worker) readyToUpload(ctx context.Context, target string) error {
	if why := w.hoursOver(target); why != "" {
		return &held{reason: why, target: target}
	}
	if why := w.awaitTarget(ctx, target); why != "" {
		return &held{reason: why, target: target}
	}
	return nil
}

func (w *Worker) readyToTranscode(a *assignment) error {
	if w.cfg.RedisDir != "" {
		if free, above := w.roomOn(w.cfg.RedisDir, w.cfg.RedisReserve); above < 0 {
			return &held{reason: fmt.Sprintf("the disk of NGlive's own data (%s) has only %s left; free some space, then this goes on by itself",
				w.cfg.RedisDir, size(free))}
		}
	}
	free, above := w.roomOn(w.cfg.OutputDir, w.cfg.DiskHold)
	if need := a.rec.SizeBytes; above < need {
		return &held{reason: fmt.Sprintf("the disk of %s has %s left, and this recording needs about %s on top of the reserve; free some space, then this goes on by itself",
			w.cfg.OutputDir, size(free), size(need))}
	}
	return nil
}

// size writes bytes for people.
func size(n int64) string {
	const step = 1024
	v, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < step {
			break
		}
		v, unit = v/step, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
