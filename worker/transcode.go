package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/ffmpeg"
	"github.com/ngworks/nglive/worker/flv"
)

// transcode makes a verified MP4 of a recording under OUTPUT_DIR.
func (w *Worker) transcode(ctx context.Context, d *delivery, a *assignment, e entry) (*result, error) {
	src, err := w.openSource(&a.rec)
	if err != nil {
		return nil, err
	}
	defer src.close()
	if err := stillWritten(src, &a.rec); err != nil {
		return nil, err
	}
	if done := w.sealed(e); done != nil {
		return done, nil
	}
	t := &transcoding{w: w, d: d, a: a, src: src}
	if err := t.plan(ctx); err != nil {
		return nil, err
	}
	if err := t.name(); err != nil {
		return nil, err
	}
	if err := t.make(ctx); err != nil {
		if ctx.Err() == nil && src.changed() {
			err = whatChanged(src) // whatever ffmpeg made of it, this is why
		}
		if ctx.Err() == nil && t.outOfRoom() {
			err = problemf(space, "the disk of %s became full while this was made; free some space, then it goes on by itself", t.w.cfg.OutputDir)
		}
		return nil, errors.Join(err, t.abandon())
	}
	res, err := t.finish(ctx)
	if err != nil {
		return nil, err
	}
	return res, t.w.journal.partEnds(outputPart, t.partName())
}

// partName is the part's name below OUTPUT_DIR.
func (t *transcoding) partName() string { return strings.TrimSuffix(t.rel, ".mp4") + ".part.mp4" }

// outOfRoom looks while the half-made output still lies there. ffmpeg may say nothing of a full disk and even end well; what it made
// is then only not readable.
func (t *transcoding) outOfRoom() bool {
	free, total := t.w.usage(t.w.cfg.OutputDir)
	return total > 0 && free < nearlyNothing
}

// nearlyNothing is less than any write of ffmpeg's that matters.
const nearlyNothing = 1 << 20

func (t *transcoding) abandon() error {
	if err := removePart(t.part); err != nil {
		return err
	}
	return t.w.journal.partEnds(outputPart, t.partName())
}

// transcoding is one attempt.
type transcoding struct {
	w        *Worker
	d        *delivery
	a        *assignment
	src      *source
	settings ffmpeg.Settings
	job      ffmpeg.Job
	want     ffmpeg.Expectation
	rel      string // of the output, in OUTPUT_DIR
	part     string
	final    string
	media    ffmpeg.Media
	seen     tasks.Sighting // what was learned about the source
	warnings []string
}

// ffmpegGrace is between SIGINT and SIGKILL: short enough that a stopping worker gives its task back within its own limit. What is
// cut off is made anew anyway.
const ffmpegGrace = 3 * time.Second

// freshly is how young a file must be to be taken for one that is still being written.
const freshly = 3 * time.Second

// stillWritten holds a file that is not what was announced and changed a moment ago.
func stillWritten(src *source, r *tasks.Recording) error {
	if time.Since(src.info.ModTime()) > freshly || r.SizeBytes == 0 || src.info.Size() == r.SizeBytes {
		return nil
	}
	return &held{reason: fmt.Sprintf("%s is still being written (%s so far)", src.rel, size(src.info.Size()))}
}

// sealed: the last attempt was verified and died between the file's final name and the journal.
func (w *Worker) sealed(e entry) *result {
	if e.Sealed == nil {
		return nil
	}
	st, err := os.Stat(filepath.Join(w.cfg.OutputDir, filepath.FromSlash(e.Sealed.Path)))
	if err != nil || st.Size() != e.Sealed.SizeBytes {
		return nil
	}
	return &result{output: e.Sealed, seen: e.Seen}
}

// plan looks at the source and decides how ffmpeg is to be run.
func (t *transcoding) plan(ctx context.Context) error {
	t.settings = t.wanted()
	t.job = ffmpeg.Job{In: t.src.path, StallTimeout: t.w.cfg.StallTimeout, Grace: ffmpegGrace}
	var err error
	if isFLV(t.src.file) {
		err = t.planFLV(ctx)
	} else {
		err = t.planOther(ctx)
	}
	if err != nil {
		return err
	}
	if t.settings.Mode != ffmpeg.Copy {
		encoder, warning := t.w.encoder(ctx, t.settings.Encoder)
		t.warn(warning)
		t.settings = t.settings.For(encoder)
	}
	t.job.Settings = t.settings.Trimmed()
	return nil
}

func (t *transcoding) warn(s string) {
	if s != "" && !slices.Contains(t.warnings, s) {
		t.warnings = append(t.warnings, s)
	}
}

// wanted are the settings of the step, which the flow resolved with this node's defaults.
func (t *transcoding) wanted() ffmpeg.Settings {
	with := t.a.step.Transcode()
	s := ffmpeg.Settings{Mode: ffmpeg.Mode(with.Mode), Encoder: with.Encoder, Bitrate: with.Bitrate, Maxrate: with.Maxrate, Bufsize: with.Bufsize, Preset: with.Preset}
	if with.CRF != nil {
		s.CRF = *with.CRF
	}
	if with.CQ != nil {
		s.CQ = *with.CQ
	}
	if t.a.info.Mode != "" {
		s.Mode = ffmpeg.Mode(t.a.info.Mode)
	}
	return s.Canonical()
}

func isFLV(f *os.File) bool {
	var head [3]byte
	_, err := f.ReadAt(head[:], 0)
	return err != nil || string(head[:]) == "FLV" // what is too short to tell is told by the FLV reader
}

// planFLV reads the tags: what the file holds is what the output must hold, whatever its header says.
func (t *transcoding) planFLV(ctx context.Context) error {
	head, err := flv.Peek(t.src.file, t.src.info.Size())
	if err != nil {
		return problemf(never, "%s is not a recording: %v. It stays where it is", t.src.rel, err)
	}
	if head.Empty() {
		return problemf(never, "%s holds neither picture nor sound (%s): the recorder opened it and the stream sent nothing. It stays where it is",
			t.src.rel, size(t.src.info.Size()))
	}
	if why := unmet(t.a, plainCodec(head.VideoCodec)); why != "" {
		return &passed{reason: why}
	}
	if err := t.w.canRead(ctx, string(head.VideoCodec), string(head.AudioCodec)); err != nil {
		return err
	}
	scan, err := flv.ReadScan(ctx, io.NewSectionReader(t.src.file, 0, t.src.info.Size()))
	if err != nil {
		return fmt.Errorf("read %s: %w", t.src.rel, err)
	}
	return t.planScanned(scan)
}

func (t *transcoding) planScanned(scan flv.Scan) error {
	if !scan.CopiesVideo() && t.settings.Mode == ffmpeg.Copy {
		return &reroute{"CRF", "the picture's format changes inside this file, and a copy would lose what follows; it is encoded instead"}
	}
	t.job.HEVC = scan.VideoCodec.HEVC()
	t.job.EncodeAudio = !scan.CopiesAudio()
	t.job.ProbeBytes, t.job.ProbeTime = scan.ProbeBytes, scan.ProbeTime
	mended := scan.NeedsMending()
	if mended {
		t.job.Input = flv.Mend(io.NewSectionReader(t.src.file, 0, t.src.info.Size()))
		t.warn("the recording's clock jumped; the timestamps were straightened")
	}
	if scan.Truncated {
		t.warn("the recording ends early (power cut or full disk); everything it holds is kept")
	}
	if scan.Garbage > 0 {
		t.warn(fmt.Sprintf("%s of the recording are damaged and were passed over", size(scan.Garbage)))
	}
	x := scan.Expect(mended)
	t.want = ffmpeg.Expectation{Min: x.Min, Max: x.Max, HasVideo: x.HasVideo, HasAudio: x.HasAudio}
	if t.settings.Mode == ffmpeg.Copy {
		t.want.VideoFrames, t.want.AudioFrames = x.VideoFrames, x.AudioFrames
	}
	return nil
}

func plainCodec(c flv.Codec) string {
	name, _, _ := strings.Cut(string(c), "-")
	return name
}

// planOther takes what is no FLV (an MP4 of another recorder, an MP4 or MKV a person submitted) as ffprobe sees it.
func (t *transcoding) planOther(ctx context.Context) error {
	m, err := t.w.tools.Probe(ctx, t.src.path)
	if err != nil {
		return err
	}
	v, hasVideo := m.First("video")
	_, hasAudio := m.First("audio")
	if !hasVideo && !hasAudio {
		return problemf(never, "%s holds neither picture nor sound", t.src.rel)
	}
	t.learn(m)
	if why := unmet(t.a, v.Codec); why != "" {
		return &passed{why, t.seen}
	}
	slack := max(2*time.Second, m.Duration/100)
	t.job.HEVC = v.Codec == "hevc"
	t.want = ffmpeg.Expectation{Min: m.Duration - min(slack, m.Duration/2), Max: m.Duration + slack, HasVideo: hasVideo, HasAudio: hasAudio}
	return nil
}

// learn takes streamer and title from the file where nobody told them: OneLiveRec's webhook has neither, and web opens no file.
func (t *transcoding) learn(m ffmpeg.Media) {
	r := &t.a.rec
	if r.Name == "" {
		r.Name, t.seen.Name = clip(m.Artist), clip(m.Artist)
	}
	if r.Title == "" {
		r.Title, t.seen.Title = clip(m.Title), clip(m.Title)
	}
}

// name chooses the output's name: one that another recording has, or that stands there already and is not ours, gets "-<id>".
func (t *transcoding) name() error {
	for _, suffix := range []string{"", "-" + t.a.rec.ID} {
		rel := outputName(&t.a.rec, suffix)
		final := filepath.Join(t.w.cfg.OutputDir, filepath.FromSlash(rel))
		owner, err := t.w.journal.ownerOf("output|" + rel)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(final); err == nil && owner != t.a.rec.ID {
			continue
		}
		part := strings.TrimSuffix(rel, ".mp4") + ".part.mp4"
		mine, err := t.claim(rel, part) // the part's name too: it may be another recording's final one
		if err != nil {
			return err
		}
		if mine {
			t.rel, t.final = rel, final
			t.part = filepath.Join(t.w.cfg.OutputDir, filepath.FromSlash(part))
			t.job.Out = t.part
			return t.w.journal.partBegins(outputPart, part, t.a.rec.ID)
		}
	}
	return problemf(tell, "another file stands at %s in %s already; move it away, then retry", outputName(&t.a.rec, "-"+t.a.rec.ID), t.w.cfg.OutputDir)
}

func (t *transcoding) claim(names ...string) (bool, error) {
	for _, n := range names {
		if mine, err := t.w.journal.claimName("output|"+n, t.a.rec.ID); err != nil || !mine {
			return false, err
		}
	}
	return true, nil
}

// make runs ffmpeg and checks what came out.
func (t *transcoding) make(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(t.part), 0o755); err != nil { //nolint:gosec // as readable as the user's own folders
		return fmt.Errorf("make the output's folder: %w", err)
	}
	p := t.w.progress(tasks.IsTranscode, t.a, t.want.Max.Seconds())
	p.at(0, 0)
	t.job.Progress = func(r ffmpeg.Progress) { p.at(r.OutTime.Seconds(), int64(r.BPS/8)) }
	t.w.log.Info("ffmpeg started", "recording", t.a.rec.ID, "file", t.src.rel, "mode", string(t.settings.Mode))
	run, err := t.w.tools.Run(ctx, t.job)
	if err != nil {
		return err
	}
	tasks.Failpoint("transcode.made")
	t.want.Findings = run.Findings
	report, err := t.w.tools.Verify(ctx, t.part, t.want)
	if err != nil {
		return err
	}
	for _, s := range report.Warnings {
		t.warn(s)
	}
	t.media = report.Media
	if t.src.changed() {
		return whatChanged(t.src)
	}
	return nil
}

func whatChanged(src *source) error {
	if _, err := os.Stat(src.path); errors.Is(err, os.ErrNotExist) {
		return &gone{fmt.Sprintf("the file %s vanished while it was worked on; if it was moved, move it back and retry", src.rel)}
	}
	return problemf(again, "%s changed while it was worked on", src.rel)
}

// finish gives the checked file its name. The journal knows of it first, so that a crash in between costs no second encode.
func (t *transcoding) finish(ctx context.Context) (*result, error) {
	st, err := os.Stat(t.part)
	if err != nil {
		return nil, fmt.Errorf("look at the output: %w", err)
	}
	t.seen.Size, t.seen.Inode = t.src.info.Size(), knownInode(t.src.info)
	out := &tasks.Output{Path: t.rel, SizeBytes: st.Size(), Seconds: round(t.media.Duration.Seconds())}
	if _, err := t.w.journal.change(t.d.id, func(e *entry) []letter { e.Sealed, e.Seen = out, t.seen; return nil }); err != nil {
		return nil, err
	}
	if err := bring(companionsOf(t.src.path), t.final); err != nil {
		return nil, fmt.Errorf("bring danmaku, cover and notes beside the output: %w", err)
	}
	defer t.hash(ctx)()
	tasks.Failpoint("transcode.seal.before")
	if err := ffmpeg.Seal(t.part, t.final, true); err != nil {
		return nil, err
	}
	tasks.Failpoint("transcode.seal.after")
	return &result{output: out, warning: strings.Join(t.warnings, "; "), seen: t.seen}, nil
}

// hash takes the output's hashes, if its flow has a use for them, while the disk writes what it holds. It returns the wait for them.
func (t *transcoding) hash(ctx context.Context) (wait func()) {
	h := hashes{t.w.netdisk.mem()}
	info, err := os.Stat(t.part)
	if err != nil || !bringsToNetdisk(t.a.flow) || h.key(info) == "" {
		return func() {}
	}
	f, err := os.Open(t.part)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err == nil {
			err = errors.Join(h.take(ctx, f), f.Close())
		}
		if err != nil { // the upload reads the file itself then
			t.w.log.Warn("hashes of the output were not taken", "recording", t.a.rec.ID, "error", err)
		}
	}()
	return func() { <-done }
}

func removePart(part string) error {
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
