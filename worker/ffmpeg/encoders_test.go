package ffmpeg_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/ffmpeg"
	"github.com/ngworks/nglive/worker/flv"
)

func TestEncoders_tellTheTruthAboutThisMachine(t *testing.T) {
	probes, err := tools().Encoders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, noGPU := os.Stat("/dev/dri")
	_, noNvidia := os.Stat("/dev/nvidiactl")
	for _, p := range probes {
		if p.Works != (p.Line == "") {
			t.Errorf("%+v: it works exactly when there is no reason why not", p)
		}
		switch {
		case p.Name == "libx264" && !p.Works:
			t.Errorf("libx264 does not work: %s", p.Line)
		case strings.HasSuffix(p.Name, "_nvenc") && noNvidia != nil && p.Works:
			t.Errorf("%s works without a card", p.Name)
		case strings.HasSuffix(p.Name, "_vaapi") && noGPU != nil && p.Works:
			t.Errorf("%s works without a card", p.Name)
		}
		t.Logf("%+v", p)
	}
}

func TestPick_fallsBackAndSaysSo(t *testing.T) {
	probes := []ffmpeg.EncoderProbe{
		{Name: "libx264", Listed: true, Works: true},
		{Name: "h264_nvenc", Listed: true, Line: "Cannot load libcuda.so.1"},
	}
	if got, warning := ffmpeg.Pick(probes, "X264"); got != "libx264" || warning != "" {
		t.Errorf("got %q, %q", got, warning)
	}
	if got, warning := ffmpeg.Pick(probes, "h264_nvenc"); got != "libx264" || !strings.Contains(warning, "libcuda") {
		t.Errorf("got %q, %q", got, warning)
	}
	if got, warning := ffmpeg.Pick(probes, "dirac"); got != "libx264" || warning == "" {
		t.Errorf("got %q, %q", got, warning)
	}
}

// answering is an ffmpeg that answers from a script.
func answering(t *testing.T, script string) ffmpeg.Tools {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return ffmpeg.Tools{FFmpeg: path, FFprobe: path}
}

const countingEncoders = `
case "$*" in
*-version*) echo "ffmpeg version $(cat "$0.version") Copyright" ;;
*-encoders*) echo x >> "$0.asked"; echo " V....D libx264 x" ;;
esac`

func TestProber_asksAgainOnlyWhenFFmpegIsAnother(t *testing.T) {
	tools := answering(t, countingEncoders)
	write := func(version string) {
		t.Helper()
		if err := os.WriteFile(tools.FFmpeg+".version", []byte(version), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var prober ffmpeg.Prober
	for _, step := range []struct {
		version string
		fresh   bool
		asked   int
	}{{"5.1", false, 1}, {"5.1", false, 1}, {"5.1", true, 2}, {"8.0", false, 3}, {"8.0", false, 3}} {
		write(step.version)
		probes, err := prober.Encoders(t.Context(), tools, step.fresh)
		if err != nil || len(probes) == 0 || !probes[0].Works {
			t.Fatalf("%+v, %v", probes, err)
		}
		asked, err := os.ReadFile(tools.FFmpeg + ".asked")
		if err != nil || strings.Count(string(asked), "x") != step.asked {
			t.Errorf("%+v: asked %q, %v", step, asked, err)
		}
	}
}

func TestReads_isWhatThisFFmpegReallyReads(t *testing.T) {
	r, err := tools().ReadsHEVCinFLV(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if strings.HasPrefix(r.Version, "5.") && (r.HEVC12 || r.HEVCEnhanced) {
		t.Errorf("ffmpeg 5 reads no HEVC in FLV, but: %+v", r)
	}
	// A newer one is played by a script that decodes whatever it is given.
	newer := answering(t, `case "$*" in *-version*) echo "ffmpeg version 8.0 x" ;; *) head -c 4096 /dev/zero ;; esac`)
	if r, err := newer.ReadsHEVCinFLV(t.Context()); err != nil || !r.HEVC12 || !r.HEVCEnhanced || r.Version != "8.0" {
		t.Errorf("got %+v, %v", r, err)
	}
	silent := answering(t, `case "$*" in *-version*) echo "ffmpeg version 6.0 x" ;; esac`)
	if r, err := silent.ReadsHEVCinFLV(t.Context()); err != nil || r.HEVC12 || r.HEVCEnhanced {
		t.Errorf("no picture and exit 0: got %+v, %v", r, err)
	}
}

func TestCanRead_saysWhatToInstall(t *testing.T) {
	old := ffmpeg.Reads{Version: "5.1.9"}
	newer := ffmpeg.Reads{Version: "8.0", HEVC12: true, HEVCEnhanced: true}
	for codec, says := range map[flv.Codec]string{
		flv.HEVC12:       "This recording is HEVC (FLV codec 12); ffmpeg 5.1.9 cannot read it: install ffmpeg 8 or set the recorder's quality to avc10000.",
		flv.HEVCEnhanced: "This recording is HEVC in Enhanced FLV; ffmpeg 5.1.9 cannot read it: install ffmpeg 8 or set the recorder's quality to avc10000.",
		flv.AV1Enhanced:  "This recording is AV1 in Enhanced FLV; ffmpeg 5.1.9 cannot read it: install ffmpeg 8 or set the recorder's quality to avc10000.",
	} {
		err := old.CanRead(string(codec))
		wantError(t, err, ffmpeg.Unreadable, ffmpeg.Never)
		if got := asError(t, err).UserMessage(); got != says {
			t.Errorf("says %q", got)
		}
		if err := newer.CanRead(string(codec)); err != nil {
			t.Errorf("ffmpeg 8: %v", err)
		}
	}
	for _, codec := range []flv.Codec{flv.AVC, flv.AAC, flv.MP3, flv.None} {
		if err := old.CanRead(string(codec)); err != nil {
			t.Errorf("%q: %v", codec, err)
		}
	}
	wantError(t, newer.CanRead("video-13"), ffmpeg.Unreadable, ffmpeg.Never)
}

// The sample is decoded as a bare stream, which every ffmpeg can, to show that
// a "cannot read" is about FLV and not about a damaged sample.
func TestSample_holdsARealPicture(t *testing.T) {
	config, frame := ffmpeg.SampleHEVC()
	start := []byte{0, 0, 0, 1}
	var stream []byte
	const arrays = 22
	for at, n := arrays+1, int(config[arrays]); n > 0; n-- {
		size := int(config[at+3])<<8 | int(config[at+4]) // one unit an array
		stream = append(append(stream, start...), config[at+5:at+5+size]...)
		at += 5 + size
	}
	stream = append(append(stream, start...), frame[4:]...)
	path := filepath.Join(t.TempDir(), "a.hevc")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-f", "hevc", "-i", path, "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1").Output()
	if err != nil || len(out) != 64*64 {
		t.Errorf("%d bytes of picture, %v", len(out), err)
	}
}
