package worker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// clip puts a clean FLV into the recordings' folder.
func (s *station) clip(rel string, change func([]byte) []byte) {
	s.t.Helper()
	b := flvtest.Read(s.t, flvtest.Clip(s.t, s.t.TempDir(), 4))
	if change != nil {
		b = change(b)
	}
	s.file(rel, string(b))
}

// TestFlow_endsInTheArchive is the product in one sentence: a closed recording becomes a verified MP4 in the archive, with what
// travels with it.
func TestFlow_endsInTheArchive(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	const stem = "23058-3号直播间/录制 '\"😀 -x"
	s.clip(stem+".flv", nil)
	s.file(stem+".xml", "<i></i>")
	s.file(stem+".cover.jpg", "jpeg")
	s.file(stem+".txt", "note")
	s.start()
	r := s.closed(stem+".flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Finished)
	up := s.step(r.ID, "upload")
	require.NotNil(t, up.Output)
	made := s.step(r.ID, "transcode").Output
	for _, tail := range []string{".mp4", ".xml", ".cover.jpg", ".txt"} {
		for _, whole := range []string{up.Output.Location, filepath.Join(s.cfg.OutputDir, made.Path)} {
			p := whole[:len(whole)-len(".mp4")] + tail
			assert.FileExists(t, p)
		}
	}
	media, err := s.worker.tools.Probe(t.Context(), up.Output.Location)
	require.NoError(t, err)
	assert.InDelta(t, 4, media.Duration.Seconds(), 0.3)
	assert.Equal(t, tasks.StepSkipped, s.step(r.ID, "notify").State)
	assert.Equal(t, []string{
		tasks.FileClosed, tasks.TranscodeStarted, tasks.TranscodeEnded, tasks.UpStarted, tasks.UpEnded, tasks.StepLeftOut, tasks.FlowFinished,
	}, s.events(r.ID))
	s.noParts()
}

// noParts: nothing half-made is left in any folder.
func (s *station) noParts() {
	s.t.Helper()
	for _, dir := range []string{s.cfg.RecordingsDir, s.cfg.OutputDir, s.cfg.ArchiveDir} {
		require.NoError(s.t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
			assert.NotContains(s.t, filepath.Base(p), "part", p)
			return err
		}))
	}
}

// TestFlow_deleteOnlyAfterTheUploadIsProved moves the source to the trash, and only there.
func TestFlow_deleteOnlyAfterTheUploadIsProved(t *testing.T) { //nolint:tparallel // its cases share one node
	t.Parallel()
	s := newStation(t)
	s.clip("room/a.flv", nil)
	s.file("room/a.xml", "<i></i>")
	s.start()
	flow := tasks.Flow{ID: "f", Version: 1, Steps: []tasks.Step{
		{ID: "transcode", Type: tasks.StepTranscode}, {ID: "upload", Type: tasks.StepUpload}, {ID: "delete", Type: tasks.StepDelete},
	}}
	r := s.closed("room/a.flv", flow)
	s.reaches(r.ID, tasks.Finished)
	assert.NoFileExists(t, filepath.Join(s.cfg.RecordingsDir, "room/a.flv"))
	for _, name := range []string{"a.flv", "a.xml"} {
		assert.FileExists(t, filepath.Join(s.cfg.RecordingsDir, trashDir, r.ID, name))
	}
	t.Run("not when the archived file was damaged meanwhile", func(t *testing.T) {
		s.clip("room/b.flv", nil)
		held := tasks.Flow{ID: "g", Version: 1, Steps: flow.Steps[:2]}
		r := s.closed("room/b.flv", held)
		s.reaches(r.ID, tasks.Finished)
		require.NoError(t, os.WriteFile(s.step(r.ID, "upload").Output.Location, []byte("broken"), 0o600))
		rec := s.recording(r.ID)
		a := &assignment{rec: rec, step: tasks.Step{ID: "delete", Type: tasks.StepDelete}}
		_, err := s.worker.remove(t.Context(), a)
		require.Error(t, err)
		assert.FileExists(t, filepath.Join(s.cfg.RecordingsDir, "room/b.flv"))
	})
}

// TestTranscode_badInput: each ends in a finished recording that holds what the source holds, or in a dead letter in plain words.
func TestTranscode_badInput(t *testing.T) { //nolint:tparallel // its cases share one node
	t.Parallel()
	s := newStation(t)
	s.start()
	second := flvtest.Read(t, flvtest.ClipOfSize(t, t.TempDir(), 4, "640x360"))
	tests := []struct {
		name    string
		change  func([]byte) []byte
		state   tasks.State
		words   string // in the warning, or in the error
		seconds float64
	}{
		{"truncated", func(b []byte) []byte { return flvtest.Truncate(b, 0.7) }, tasks.Finished, "ends early", 2.8},
		{"three bytes", func([]byte) []byte { return flvtest.ThreeBytes() }, tasks.Failed, "not a recording", 0},
		{"header only", func([]byte) []byte { return flvtest.HeaderOnly() }, tasks.Failed, "neither picture nor sound", 0},
		{"an hour forward", func(b []byte) []byte { return flvtest.Jump(b, 2e9, 3600e9) }, tasks.Finished, "clock jumped", 4},
		{"two seconds back", func(b []byte) []byte { return flvtest.Jump(b, 2e9, -2e9) }, tasks.Finished, "clock jumped", 4},
		{"second header", func(b []byte) []byte { return flvtest.SecondVideoHeader(b, second) }, tasks.Finished, "encoded instead", 8},
		{"no audio", flvtest.NoAudio, tasks.Finished, "", 4},
		{"no video", flvtest.NoVideo, tasks.Finished, "", 4},
		{"hevc codec 12", flvtest.HEVC12, tasks.Failed, "HEVC", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rel := "room/" + tt.name + ".flv"
			s.clip(rel, tt.change)
			r := s.closed(rel, tasks.DefaultFlow())
			s.reaches(r.ID, tt.state)
			got := s.recording(r.ID)
			step := s.step(r.ID, "transcode")
			assert.Contains(t, step.Warning+step.Error, tt.words)
			assert.FileExists(t, filepath.Join(s.cfg.RecordingsDir, rel), "the source stays")
			if tt.state == tasks.Finished {
				require.NotNil(t, step.Output)
				assert.InDelta(t, tt.seconds, step.Output.Seconds, 0.5)
			} else {
				assert.NotEmpty(t, got.Error)
				assert.Nil(t, step.Output)
			}
		})
	}
	s.noParts()
}

// TestTranscode_names: whatever a streamer calls a broadcast ends under a name that holds it.
func TestTranscode_names(t *testing.T) { //nolint:tparallel // its cases share one node
	t.Parallel()
	s := newStation(t)
	s.start()
	long := ""
	for len(long)+len("播") <= 250-len(".flv") {
		long += "播"
	}
	for _, rel := range []string{"-dash.flv", "a b/  spaces .flv", `quote'"$(x)&.flv`, "emoji😀.flv", `back\slash.flv`, "100%d %s.flv", long + ".flv"} {
		t.Run(rel[:min(len(rel), 20)], func(t *testing.T) {
			s.clip(rel, nil)
			r := s.closed(rel, tasks.DefaultFlow())
			s.reaches(r.ID, tasks.Finished)
			assert.FileExists(t, s.step(r.ID, "upload").Output.Location)
		})
	}
	s.noParts()
}

// TestTranscode_readsWhoAndWhatFromTheFile: OneLiveRec tells neither streamer nor title, so the MP4 that it made has the word; what
// was told counts before it.
func TestTranscode_readsWhoAndWhatFromTheFile(t *testing.T) { //nolint:tparallel // its cases share one node
	t.Parallel()
	s := newStation(t)
	s.cfg.Defaults.Upload.Path = "{name}/{title}/{file}"
	clip := flvtest.Clip(t, t.TempDir(), 2)
	for _, rel := range []string{"a.mp4", "b.mp4"} {
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", clip, "-c", "copy",
			"-metadata", "title=标题", "-metadata", "artist=主播", filepath.Join(s.cfg.RecordingsDir, rel)).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	s.start()
	for _, tt := range []struct{ told, want tasks.Sighting }{
		{tasks.Sighting{Path: "a.mp4"}, tasks.Sighting{Name: "主播", Title: "标题"}},
		{tasks.Sighting{Path: "b.mp4", Title: "told"}, tasks.Sighting{Name: "主播", Title: "told"}},
	} {
		t.Run(tt.told.Path, func(t *testing.T) {
			tt.told.Node, tt.told.Origin, tt.told.RoomID = "test", "oneliverec", 23058
			r, err := s.store.Ingest(t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: tasks.FileWasClosed, At: time.Now(), Seen: tt.told},
				func(tasks.Recording) (tasks.Flow, error) {
					flow := tasks.DefaultFlow()
					flow.Steps[0].When = &tasks.When{TitleMatches: "^" + tt.want.Title + "$"}
					return flow.Resolve(s.cfg.Defaults), nil
				})
			require.NoError(t, err)
			require.NoError(t, s.queue.Follow(t.Context(), r))
			s.reaches(r.ID, tasks.Finished)
			got := s.recording(r.ID)
			assert.Equal(t, tt.want.Name, got.Name)
			assert.Equal(t, tt.want.Title, got.Title)
			require.NotNil(t, s.step(r.ID, "transcode").Output, "its when was tried on the title that the file has")
			assert.FileExists(t, filepath.Join(s.cfg.ArchiveDir, tt.want.Name, tt.want.Title, filepath.Base(s.step(r.ID, "upload").Output.Location)))
		})
	}
}

// TestTranscode_windowsSpelling: a recorder on Windows writes `\`, and the file is in a folder.
func TestTranscode_windowsSpelling(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.clip("room/a.flv", nil)
	s.start()
	r := s.closed(`room\a.flv`, tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Finished)
}

// TestTranscode_missing: a file that vanished is said to be missing, and goes on when it is back.
func TestTranscode_missing(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	r := s.closed("room/a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Missing)
	s.clip("room/a.flv", nil)
	r, err := s.store.Apply(t.Context(), tasks.Fact{ID: "retry-1", Kind: tasks.PersonRetries, Recording: r.ID})
	require.NoError(t, err)
	require.NoError(t, s.queue.Follow(t.Context(), r))
	s.reaches(r.ID, tasks.Finished)
}

// TestTranscode_leavesTheFolder: a link that leads out of the recordings' folder is not followed.
func TestTranscode_leavesTheFolder(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	outside := flvtest.Clip(t, t.TempDir(), 4)
	require.NoError(t, os.Symlink(outside, filepath.Join(s.cfg.RecordingsDir, "link.flv")))
	s.start()
	r := s.closed("link.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Failed)
	assert.NotContains(t, s.recording(r.ID).Error, outside)
}

// TestTranscode_sealedRemembersWhatItLearned: the life after a kill between the journal and the recording tells both.
func TestTranscode_sealedRemembersWhatItLearned(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(s.cfg.OutputDir, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(s.cfg.OutputDir, "a.mp4"), []byte("video"), 0o600))
	done := w.sealed(entry{Sealed: &tasks.Output{Path: "a.mp4", SizeBytes: 5}, Seen: tasks.Sighting{Title: "标题", Size: 9}})
	require.NotNil(t, done)
	assert.Equal(t, "标题", done.seen.Title)
	assert.Equal(t, int64(9), done.seen.Size)
}
