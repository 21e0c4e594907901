package worker

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// asNobody does something with the rights of a user who owns nothing. Without root's own it changes nothing, and need not.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, syscall.Setfsuid(65534))
	defer func() { require.NoError(t, syscall.Setfsuid(os.Getuid())) }()
	do()
}

// TestSweep_saysOnceThatAFileMayNotBeRead, and takes it in by itself once it may.
func TestSweep_saysOnceThatAFileMayNotBeRead(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	w.marks = &marks{of: map[mark][8]byte{}}
	s.file("a.flv", "content")
	require.NoError(t, os.Chmod(s.source("a.flv"), 0))
	root, err := os.OpenRoot(s.cfg.RecordingsDir)
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	info, err := root.Lstat("a.flv")
	require.NoError(t, err)
	f, path := lookedAt{rel: "a.flv", mark: markOf(info, "a.flv"), mtime: info.ModTime()}, tasks.Identity{Node: "test", Path: "a.flv"}
	a := adoption{w: w, root: root, marks: map[mark][8]byte{}}
	asNobody(t, func() {
		for range 2 {
			a.decide(f, &tasks.Recording{}, path)
		}
	})
	require.Len(t, a.letters, 1)
	require.NotNil(t, a.letters[0].Event)
	assert.Equal(t, []string{tasks.Refused, "a.flv"}, []string{a.letters[0].Event.CMD, a.letters[0].Event.FILE})
	assert.Contains(t, a.letters[0].Event.MSG, "right to read it")
	assert.Empty(t, a.marks)
	assert.Empty(t, a.settled, "it is looked at again")
	require.NoError(t, os.Chmod(s.source("a.flv"), 0o600))
	a.decide(f, &tasks.Recording{}, path)
	require.Len(t, a.letters, 2)
	assert.Equal(t, tasks.FileWasClosed, a.letters[1].Fact.Kind)
}
