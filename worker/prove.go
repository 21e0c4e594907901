package worker

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// proveMarks makes sure, once in each life of Redis, that the recordings of all known files are there: a Redis that died may have
// lost its last second, or was put back from a backup. A file whose recording is gone is unknown again.
func (w *Worker) proveMarks(ctx context.Context) error {
	life, err := w.redisLife(ctx)
	if err != nil {
		return err
	}
	if life == w.search.redis || !w.outboxEmpties(ctx) {
		return nil
	}
	byID := w.marks.copied()
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, hex.EncodeToString(id[:]))
	}
	const at = 500
	var gone []mark
	for some := range slices.Chunk(ids, at) {
		unknown, err := w.store.Unknown(ctx, some)
		if err != nil {
			return err
		}
		for _, id := range unknown {
			raw, _ := hex.DecodeString(id)
			gone = append(gone, byID[[8]byte(raw)]...)
		}
	}
	open, err := w.store.InState(ctx, tasks.Opening) // Redis may have gone back to before their end was told
	if err != nil {
		return err
	}
	for _, id := range open {
		if raw, err := hex.DecodeString(id); err == nil && len(raw) == 8 {
			gone = append(gone, byID[[8]byte(raw)]...)
		}
	}
	if len(gone) > 0 {
		w.log.Warn("Redis forgot recordings, or their end; their files are looked at anew", "files", len(gone))
	}
	if err := w.journal.unmark(gone); err != nil {
		return err
	}
	w.marks.drop(gone)
	w.search.redis = life
	return nil
}

// redisLife changes whenever Redis is started.
func (w *Worker) redisLife(ctx context.Context) (string, error) {
	info, err := w.rdb.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	for line := range strings.Lines(info) {
		if life, ok := strings.CutPrefix(line, "run_id:"); ok {
			return strings.TrimSpace(life), nil
		}
	}
	return "", nil
}
