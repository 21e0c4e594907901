package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// narrowTarget takes no file larger than most, and comments only when it is asked nicely.
type narrowTarget struct {
	most     int64
	comments atomic.Bool
	taken    atomic.Int64
}

type largestError struct{ most int64 }

func (e *largestError) Error() string { return fmt.Sprintf("larger than %d bytes", e.most) }
func (e *largestError) Limit() int64  { return e.most }

func (n *narrowTarget) Put(_ context.Context, src *os.File, name string, _ bool, _ func(int64)) (string, string, error) {
	info, err := src.Stat()
	switch {
	case err != nil:
		return "", "", err
	case info.Size() > n.most:
		return "", "", &largestError{n.most}
	case strings.HasSuffix(name, ".xml") && !n.comments.Load():
		return "", "", errAgain
	}
	n.taken.Add(1)
	return "narrow:" + name, "sum", nil
}

func (*narrowTarget) Check(context.Context, string, int64, string) error { return nil }

// TestSplit_keepsItsPartsUntilAllIsThere: what travels with the video is missing at the target, and no retry has to split again.
func TestSplit_keepsItsPartsUntilAllIsThere(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.clip("a.flv", nil)
	s.file("a.xml", "<i></i>")
	info, err := os.Stat(s.source("a.flv"))
	require.NoError(t, err)
	target := &narrowTarget{most: info.Size()*2/3 + 1}
	s.prepare = func(w *Worker) { w.targets["slow"] = target }
	s.start()
	flow := tasks.DefaultFlow()
	flow.Steps = flow.Steps[:2:2]
	flow.Steps[1].With = map[string]any{"target": "slow"}
	r := s.closed("a.flv", flow)
	s.within(90*time.Second, "the comments are refused", func() bool { return s.step(r.ID, "upload").State == tasks.StepRetrying })
	parts := filepath.Join(s.cfg.OutputDir, splitDir, r.ID+".upload")
	assert.FileExists(t, filepath.Join(parts, manifestFile))
	assert.GreaterOrEqual(t, target.taken.Load(), int64(2))
	noted, err := s.worker.journal.parts()
	require.NoError(t, err)
	assert.Contains(t, noted, part{splitPart, filepath.Base(parts), r.ID}, "the sweep can clear them away should nobody go on")
	target.comments.Store(true)
	s.reaches(r.ID, tasks.Finished)
	assert.NoDirExists(t, parts)
	noted, err = s.worker.journal.parts()
	require.NoError(t, err)
	assert.NotContains(t, noted, part{splitPart, filepath.Base(parts), r.ID})
}
