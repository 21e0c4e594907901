package worker

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// sweeping is a station whose default flow only uploads, and whose sweep is quick.
func sweeping(t *testing.T) *station {
	t.Helper()
	s := newStation(t)
	s.cfg.SweepInterval, s.cfg.SweepSettle = time.Second, 300*time.Millisecond
	flow := archiveFlow()
	flow.ID = tasks.DefaultFlowID
	require.NoError(t, s.store.ChangeFlows(t.Context(), func(f *tasks.Flows) error { f.Flows = append(f.Flows, flow); return nil }))
	return s
}

// at returns the recording that a path names, empty while there is none.
func (s *station) at(rel string) tasks.Recording {
	r, err := s.store.Newest(context.Background(), tasks.Identity{Node: "test", Path: rel})
	if err != nil {
		return tasks.Recording{}
	}
	return r
}

func (s *station) becomes(rel string, state tasks.State) tasks.Recording {
	s.t.Helper()
	s.within(60*time.Second, rel+" becomes "+string(state), func() bool { return s.at(rel).State == state })
	return s.at(rel)
}

// rounds waits until the sweep has looked at everything n times more.
func (s *station) rounds(n int64) {
	s.t.Helper()
	from := s.worker.swept.rounds.Load()
	s.until("the sweep looks again", func() bool { return s.worker.swept.rounds.Load() >= from+n })
}

func (s *station) count() int64 {
	s.t.Helper()
	counts, err := s.store.Counts(s.t.Context())
	require.NoError(s.t, err)
	var all int64
	for _, n := range counts {
		all += n
	}
	return all
}

func (s *station) put(from, to string) {
	s.t.Helper()
	require.NoError(s.t, os.Rename(filepath.Join(s.cfg.RecordingsDir, from), filepath.Join(s.cfg.RecordingsDir, to)))
}

const lostName = "23058-3号直播间/录制-23058-20210514-175250-123-哔哩哔哩音悦台.flv"

// TestSweep_adoptsAFileThatNobodyToldOf: it becomes a recording, and its flow runs to the end.
func TestSweep_adoptsAFileThatNobodyToldOf(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	s.file(lostName, "content")
	r := s.becomes(lostName, tasks.Finished)
	assert.Equal(t, tasks.OriginSweep, r.Origin)
	assert.Equal(t, int64(23058), r.RoomID)
	assert.Equal(t, "3号直播间", r.Name)
	assert.Equal(t, "哔哩哔哩音悦台", r.Title)
	assert.Equal(t, "2021-05-14 17:52:50.123", r.BeganAt.Local().Format("2006-01-02 15:04:05.000"))
	assert.True(t, r.OpenedAt.IsZero(), "nobody told when it was opened")
	assert.NotZero(t, r.Inode)
	assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
	assert.FileExists(t, filepath.Join(s.cfg.ArchiveDir, "23058/20210514", filepath.Base(lostName)))
	assert.Equal(t, int64(1), s.worker.swept.adopted.Load())
}

// TestSweep_neverAdoptsTwice: not under a new name, not by a hard link, not after a restart, not by a link.
func TestSweep_neverAdoptsTwice(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	s.file("a.flv", "content of a")
	s.becomes("a.flv", tasks.Finished)
	s.put("a.flv", "b.flv")
	require.NoError(t, os.Link(filepath.Join(s.cfg.RecordingsDir, "b.flv"), filepath.Join(s.cfg.RecordingsDir, "c.flv")))
	require.NoError(t, os.Symlink("b.flv", filepath.Join(s.cfg.RecordingsDir, "d.flv")))
	s.rounds(4)
	assert.Equal(t, int64(1), s.count())
	s.stopWorker()
	s.put("b.flv", "e.flv")
	s.start()
	s.rounds(4)
	assert.Equal(t, int64(1), s.count())
	assert.Empty(t, s.at("b.flv").State)
	assert.Empty(t, s.at("e.flv").State)
}

// TestSweep_knowsAnnouncedFilesUnderAnotherName: a webhook told of it, the flow is over, and then a person renames it.
func TestSweep_knowsAnnouncedFilesUnderAnotherName(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.cfg.SweepInterval = time.Hour // its own look has not seen the file
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Finished)
	s.stopWorker()
	s.put("a.flv", "b.flv")
	s.cfg.SweepInterval = time.Second
	s.start()
	s.rounds(4)
	assert.Equal(t, int64(1), s.count())
}

// TestSweep_leavesAFileThatIsBeingWritten: neither one that grows, nor one that is open and grows no more.
func TestSweep_leavesAFileThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	f, err := os.Create(filepath.Join(s.cfg.RecordingsDir, "a.flv"))
	require.NoError(t, err)
	_, err = f.WriteString("the beginning")
	require.NoError(t, err)
	s.rounds(4)
	assert.Empty(t, s.at("a.flv").State, "it is open")
	require.NoError(t, f.Close())
	r := s.becomes("a.flv", tasks.Finished)
	assert.Equal(t, int64(len("the beginning")), r.SizeBytes)
}

// TestSweep_waitsUntilAFileIsStill by its own clock, whatever the file's time says.
func TestSweep_waitsUntilAFileIsStill(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.cfg.SweepSettle = time.Hour
	s.start()
	s.file("a.flv", "content")
	tomorrow := time.Now().Add(24 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(s.cfg.RecordingsDir, "a.flv"), tomorrow, tomorrow))
	s.rounds(3)
	assert.Empty(t, s.at("a.flv").State)
	known := &marks{of: map[mark][8]byte{}}
	look := search{pending: map[string]lookedAt{}}
	path := filepath.Join(s.cfg.RecordingsDir, "a.flv")
	info, err := os.Lstat(path)
	require.NoError(t, err)
	look.note(known, "a.flv", info, nil)
	since := look.pending["a.flv"].since
	look.note(known, "a.flv", info, look.pending)
	assert.Equal(t, since, look.pending["a.flv"].since, "still the same")
	s.file("a.flv", "content and more")
	info, err = os.Lstat(path)
	require.NoError(t, err)
	look.note(known, "a.flv", info, look.pending)
	assert.NotEqual(t, since, look.pending["a.flv"].since, "it grew: it has to be still anew")
}

// TestSweep_listsWhatIsOlderThanTheInstallation and leaves it alone until a person, or a recorder, says more.
func TestSweep_listsWhatIsOlderThanTheInstallation(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.file("old.flv", "content")
	lastYear := time.Now().Add(-365 * 24 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(s.cfg.RecordingsDir, "old.flv"), lastYear, lastYear))
	s.start()
	r := s.becomes("old.flv", tasks.Found)
	s.rounds(3)
	assert.Equal(t, []string{tasks.RecordingFound}, s.events(r.ID))
	assert.Empty(t, s.recording(r.ID).Steps)
	s.stopWorker()
	s.file("new.flv", "another one")
	s.start()
	s.becomes("new.flv", tasks.Finished)
	assert.Equal(t, tasks.Found, s.recording(r.ID).State, "an update of NGlive makes nothing old new")
}

// TestSweep_passesOverWhatIsNotForIt.
func TestSweep_passesOverWhatIsNotForIt(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "out.flv"), []byte("outside"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(s.cfg.RecordingsDir, "link")))
	for _, name := range []string{
		".nglive-trash/0123456789abcdef/t.flv", "submitted/.copy-123.part", "a.flv.part", ".hidden.flv", "a.xml", "a.cover.jpg", "a.txt",
		"#recycle/r.flv", "a.mp4", ".flv", "._a.flv",
	} {
		s.file(name, "content of "+name)
	}
	s.file("last.flv", "the last one")
	s.becomes("last.flv", tasks.Finished)
	assert.Equal(t, int64(1), s.count())
}

// TestSweep_closesWhatARecorderOnlyOpened: it was killed, or its FileClosed got lost.
func TestSweep_closesWhatARecorderOnlyOpened(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	opened := time.Now().Add(-time.Minute)
	r, err := s.store.Ingest(t.Context(), tasks.Fact{
		ID: uuid.NewString(), Kind: tasks.FileWasOpened, At: time.Now(),
		Seen: tasks.Sighting{Node: "test", Path: `room\a.flv`, RoomID: 23058, Title: "told", OpenedAt: opened, Origin: "bililiverecorder"},
	}, nil)
	require.NoError(t, err)
	s.rounds(2)
	assert.Equal(t, tasks.Opening, s.recording(r.ID).State, "it may not have been made yet")
	s.file("room/a.flv", "content")
	s.reaches(r.ID, tasks.Finished)
	got := s.recording(r.ID)
	assert.Equal(t, "told", got.Title)
	assert.Equal(t, int64(7), got.SizeBytes)
	assert.Equal(t, int64(1), s.count())
}

// TestSweep_readsWhatTheFileSaysOfItself.
func TestSweep_readsWhatTheFileSaysOfItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := flvtest.WithMetadata(flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 4)), flvtest.RecorderNote("92613", "someone", "a title"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.flv"), file, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.flv"), []byte("FLV"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.xml"),
		[]byte(`<i><BililiveRecorderRecordInfo roomid="5" shortid="0" name="n" title="t" start_time="2021-05-14T17:52:50.5+08:00"/></i>`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.flv"), []byte("FLV"), 0o600))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	told := func(rel string) tasks.Sighting {
		info, err := root.Lstat(rel)
		require.NoError(t, err)
		seen, err := toldBy(root, lookedAt{rel: rel, mark: markOf(info, rel), mtime: info.ModTime()})
		require.NoError(t, err)
		return seen
	}
	a, b, c := told("a.flv"), told("b.flv"), told("c.flv")
	assert.Equal(t, []any{int64(92613), "someone", "a title"}, []any{a.RoomID, a.Name, a.Title})
	assert.False(t, a.BeganAt.IsZero())
	assert.Equal(t, []any{int64(5), "n", "t", "2021-05-14T09:52:50.5Z"}, []any{b.RoomID, b.Name, b.Title, b.BeganAt.UTC().Format(time.RFC3339Nano)})
	assert.Equal(t, []any{int64(0), "", "", true}, []any{c.RoomID, c.Name, c.Title, c.BeganAt.IsZero()})
	_, err = toldBy(root, lookedAt{rel: "a.flv", mark: mark{inode: 1}})
	require.ErrorIs(t, err, errNotStill)
}

// TestSweep_aLateWebhookMakesNoSecondRecording: it fills in what was missing.
func TestSweep_aLateWebhookMakesNoSecondRecording(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	s.file(lostName, "content")
	r := s.becomes(lostName, tasks.Finished)
	late := s.closed(lostName, archiveFlow())
	assert.Equal(t, r.ID, late.ID)
	assert.Equal(t, tasks.Finished, late.State)
	assert.False(t, late.OpenedAt.IsZero())
	assert.False(t, late.ClosedAt.IsZero())
	assert.Equal(t, int64(1), s.count())
}

// TestSweep_aFileThatGrewAfterAllIsDoneAnew: on a network disk nobody can tell who still writes.
func TestSweep_aFileThatGrewAfterAllIsDoneAnew(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	s.file("a.flv", "content")
	r := s.becomes("a.flv", tasks.Finished)
	f, err := os.OpenFile(filepath.Join(s.cfg.RecordingsDir, "a.flv"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(" and more")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	s.until("it is done anew", func() bool { got := s.recording(r.ID); return got.Run == 2 && got.State == tasks.Finished })
	got, err := os.ReadFile(s.step(r.ID, "up").Output.Location)
	require.NoError(t, err)
	assert.Equal(t, "content and more", string(got))
	assert.Equal(t, int64(1), s.count())
}

// TestSweep_redisThatForgotIsTold: its file is looked at anew.
func TestSweep_redisThatForgotIsTold(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	s.file("a.flv", "content")
	r := s.becomes("a.flv", tasks.Finished)
	s.stopWorker()
	forgotten, err := s.rdb.Keys(t.Context(), "nglive:seen:*").Result()
	require.NoError(t, err)
	require.NoError(t, s.rdb.Del(t.Context(), append(forgotten, "nglive:r:"+r.ID, "nglive:s:finished")...).Err())
	s.start()
	s.becomes("a.flv", tasks.Finished)
}

// TestSweep_endsWhatWasAnnouncedAndNeverCame, and takes it up again should it come after all.
func TestSweep_endsWhatWasAnnouncedAndNeverCame(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	opening := func(rel string, at time.Time) string {
		r, err := s.store.Ingest(t.Context(), tasks.Fact{
			ID: uuid.NewString(), Kind: tasks.FileWasOpened, At: at, Seen: tasks.Sighting{Node: "test", Path: rel, OpenedAt: at},
		}, nil)
		require.NoError(t, err)
		return r.ID
	}
	old, young := opening("old.flv", time.Now().Add(-2*goneAfter)), opening("young.flv", time.Now())
	s.rounds(3)
	assert.Equal(t, tasks.Opening, s.recording(old).State, "an empty folder may be a disk that is not mounted")
	s.file("other.flv", "another one")
	s.reaches(old, tasks.Missing)
	assert.Contains(t, s.recording(old).Error, "there is no such file")
	assert.Equal(t, tasks.Opening, s.recording(young).State)
	s.file("old.flv", "content")
	s.reaches(old, tasks.Finished)
}

// TestSource_ofAnOpenFileIsNotKnownByBeingLookedAt: whoever looks into a file whose end nobody told leaves it to the sweep.
func TestSource_ofAnOpenFileIsNotKnownByBeingLookedAt(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	s.file("a.flv", "content")
	r := tasks.Recording{ID: tasks.Identity{Node: "test", Path: "a.flv"}.ID(), Node: "test", Path: "a.flv"}
	for _, state := range []tasks.State{tasks.Opening, tasks.Closed} {
		r.State = state
		src, err := s.worker.openSource(&r)
		require.NoError(t, err)
		assert.Equal(t, state == tasks.Closed, s.worker.marks.known(markOf(src.info, src.rel)), state)
		src.close()
	}
}

// TestSweep_redisThatForgotAnEndIsTold: the file is known, and Redis went back to before its end was told.
func TestSweep_redisThatForgotAnEndIsTold(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.file("a.flv", "content")
	s.tell(tasks.FileWasOpened, "a.flv")
	r := s.at("a.flv")
	require.Equal(t, tasks.Opening, r.State)
	info, err := os.Lstat(s.source("a.flv"))
	require.NoError(t, err)
	id, err := hex.DecodeString(r.ID)
	require.NoError(t, err)
	j, err := openJournal(s.cfg.DataDir)
	require.NoError(t, err)
	require.NoError(t, j.remember(map[mark][8]byte{markOf(info, "a.flv"): [8]byte(id)}))
	require.NoError(t, j.close())
	s.start()
	s.reaches(r.ID, tasks.Finished)
}

// TestSweep_awaitsTheEndOfTheFormerRecordingOfAPath: another file under the name of one that is worked on is neither that one nor
// forgotten.
func TestSweep_awaitsTheEndOfTheFormerRecordingOfAPath(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.SweepSettle = 300 * time.Millisecond
	flow := slowFlow()
	flow.ID = tasks.DefaultFlowID
	require.NoError(t, s.store.ChangeFlows(t.Context(), func(f *tasks.Flows) error { f.Flows = append(f.Flows, flow); return nil }))
	s.start()
	s.file("a.flv", "a long recording")
	<-s.slow.began
	r := s.at("a.flv")
	s.put("a.flv", "kept.elsewhere") // so that the next one has another inode
	s.file("a.flv", "another")       // not larger: it cannot be the first one grown
	s.rounds(4)
	assert.Equal(t, int64(1), s.count(), "the first one is worked on")
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
	s.until("the second is taken in", func() bool { return s.count() == 2 })
	next := s.becomes("a.flv", tasks.Finished)
	assert.NotEqual(t, r.ID, next.ID)
	assert.Equal(t, int64(len("another")), next.SizeBytes)
}

// TestPath_usedAgainIsAnotherRecording, once the former one's file is in the trash: whether a webhook tells of it or the sweep finds it,
// each has its own place in the archive and in the trash.
func TestPath_usedAgainIsAnotherRecording(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"told by a webhook": true, "told by nobody": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t)
			s.cfg.SweepSettle = 300 * time.Millisecond
			flow := archiveFlow()
			flow.ID, flow.Steps = tasks.DefaultFlowID, append(flow.Steps, tasks.Step{ID: "clean", Type: tasks.StepDelete})
			require.NoError(t, s.store.ChangeFlows(t.Context(), func(f *tasks.Flows) error { f.Flows = append(f.Flows, flow); return nil }))
			s.start()
			write := func(content string) {
				s.file("room/a.xml", "comments of "+content)
				s.file("room/a.flv", content)
			}
			write("the first recording")
			first := s.closed("room/a.flv", flow)
			s.reaches(first.ID, tasks.Finished)
			s.until("its opening is another one", func() bool { return time.Since(first.OpenedAt) > 1100*time.Millisecond })
			write("another one")
			if told {
				s.closed("room/a.flv", flow)
			}
			s.until("it is a recording of its own", func() bool { return s.at("room/a.flv").ID != first.ID })
			second := s.becomes("room/a.flv", tasks.Finished)
			for id, content := range map[string]string{first.ID: "the first recording", second.ID: "another one"} {
				at := s.step(id, "up").Output.Location
				for place, want := range map[string]string{
					at: content, at[:len(at)-len(".flv")] + ".xml": "comments of " + content,
					s.binned(id, "a.flv"): content, s.binned(id, "a.xml"): "comments of " + content,
				} {
					got, err := os.ReadFile(place)
					require.NoError(t, err)
					assert.Equal(t, want, string(got), place)
				}
			}
			assert.Len(t, s.archived(), 4)
			assert.Equal(t, int64(2), s.count())
		})
	}
}
