package ffmpeg_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/ffmpeg"
)

func TestArgs_areTheseForEachModeAndEncoder(t *testing.T) {
	tests := []struct {
		name string
		job  ffmpeg.Job
		want string // between the maps and -movflags
	}{
		{"copy", job(ffmpeg.Settings{Mode: "copy"}), "-c copy"},
		{"copy of HEVC", ffmpeg.Job{Settings: ffmpeg.Settings{Mode: ffmpeg.Copy}, HEVC: true}, "-c copy -tag:v hvc1"},
		{"copy, sound encoded", ffmpeg.Job{Settings: ffmpeg.Settings{Mode: ffmpeg.Copy}, EncodeAudio: true}, "-c:v copy -c:a aac -b:a 320k"},
		{"crf", job(ffmpeg.Settings{Mode: ffmpeg.CRF, Encoder: "X264", CRF: 24, Preset: "veryfast"}), "-c:v libx264 -preset veryfast -crf 24 -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"crf, capped", job(ffmpeg.Settings{Mode: ffmpeg.CRF, CRF: 24, Maxrate: "6M"}), "-c:v libx264 -crf 24 -maxrate 6M -bufsize 12000000 -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"cq", job(ffmpeg.Settings{Mode: ffmpeg.CQ, CQ: 24}), "-c:v libx264 -qp 24 -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"b", job(ffmpeg.Settings{Mode: ffmpeg.B, Bitrate: "5000k", Bufsize: "2000k"}), "-c:v libx264 -b:v 5000k -minrate 5000k -maxrate 5000k -bufsize 2000k -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"abr", job(ffmpeg.Settings{Mode: ffmpeg.ABR, Bitrate: "5000k"}), "-c:v libx264 -b:v 5000k -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"vbr", job(ffmpeg.Settings{Mode: ffmpeg.VBR, Bitrate: "5000k"}), "-c:v libx264 -b:v 5000k -maxrate 7500000 -bufsize 15000000 -pix_fmt yuv420p -fps_mode vfr -c:a copy"},
		{"x265 crf", job(ffmpeg.Settings{Mode: ffmpeg.CRF, Encoder: "libx265", CRF: 28}), "-c:v libx265 -crf 28 -tag:v hvc1 -fps_mode vfr -c:a copy"},
		{"svt crf", job(ffmpeg.Settings{Mode: ffmpeg.CRF, Encoder: "libsvtav1", CRF: 35, Preset: "8"}), "-c:v libsvtav1 -preset 8 -crf 35 -fps_mode vfr -c:a copy"},
		{"nvenc crf", job(ffmpeg.Settings{Mode: ffmpeg.CRF, Encoder: "hevc_nvenc", CRF: 28, Preset: "p5"}), "-c:v hevc_nvenc -preset p5 -rc vbr -cq 28 -b:v 0 -tune hq -tag:v hvc1 -fps_mode vfr -c:a copy"},
		{"nvenc cq", job(ffmpeg.Settings{Mode: ffmpeg.CQ, Encoder: "h264_nvenc", CQ: 28}), "-c:v h264_nvenc -rc constqp -qp 28 -fps_mode vfr -c:a copy"},
		{"nvenc b", job(ffmpeg.Settings{Mode: ffmpeg.B, Encoder: "h264_nvenc", Bitrate: "5M"}), "-c:v h264_nvenc -rc cbr -b:v 5M -maxrate 5M -bufsize 5000000 -fps_mode vfr -c:a copy"},
		{"qsv crf", job(ffmpeg.Settings{Mode: ffmpeg.CRF, Encoder: "h264_qsv", CRF: 24}), "-c:v h264_qsv -global_quality 24 -pix_fmt nv12 -fps_mode vfr -c:a copy"},
		{"qsv vbr", job(ffmpeg.Settings{Mode: ffmpeg.VBR, Encoder: "h264_qsv", Bitrate: "5M", Maxrate: "8M", Bufsize: "9M"}), "-c:v h264_qsv -b:v 5M -maxrate 8M -bufsize 9M -pix_fmt nv12 -fps_mode vfr -c:a copy"},
		{"vaapi b", job(ffmpeg.Settings{Mode: ffmpeg.B, Encoder: "h264_vaapi", Bitrate: "5M"}), "-c:v h264_vaapi -rc_mode CBR -b:v 5M -vf format=nv12,hwupload -fps_mode vfr -c:a copy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.job.Settings.Validate(); err != nil {
				t.Fatal(err)
			}
			tt.job.In, tt.job.Out = "/rec/a.flv", "/out/a.part.mp4"
			got := strings.Join(ffmpeg.Args(tt.job), " ")
			_, got, _ = strings.Cut(got, "-i file:/rec/a.flv -map 0:v:0? -map 0:a? ")
			if want := tt.want + " -movflags +faststart -f mp4 file:/out/a.part.mp4"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func job(s ffmpeg.Settings) ffmpeg.Job { return ffmpeg.Job{Settings: s} }

func TestArgs_beginAlike(t *testing.T) {
	j := ffmpeg.Job{Settings: ffmpeg.Settings{Mode: ffmpeg.CQ, Encoder: "h264_vaapi"}, In: "/rec/-a.flv", Out: "/out/a.part.mp4"}
	const common = "-hide_banner -nostdin -loglevel level+warning -nostats -progress pipe:1 -stats_period 0.5 -y "
	begins := func(want string) {
		t.Helper()
		if got := strings.Join(ffmpeg.Args(j), " "); !strings.HasPrefix(got, common+want) {
			t.Errorf("got %s\nwant %s", got, common+want)
		}
	}
	begins("-init_hw_device vaapi=va:/dev/dri/renderD128 -filter_hw_device va -i file:/rec/-a.flv -map")
	j.Settings = ffmpeg.Settings{Mode: ffmpeg.Copy}
	j.Input = strings.NewReader("")
	begins("-f flv -i pipe:0 -map")
	j.ProbeBytes, j.ProbeTime = 20_000_000, 20*time.Second
	begins("-probesize 35000000 -analyzeduration 40000000 -f flv -i pipe:0 -map")
}

func TestSettings_refuseWhatFFmpegWouldIgnore(t *testing.T) {
	tests := []struct {
		settings ffmpeg.Settings
		field    string // named by the error; empty: valid
	}{
		{ffmpeg.Settings{Mode: "COPY"}, ""},
		{ffmpeg.Settings{Mode: "crf", Encoder: "X264"}, ""},
		{ffmpeg.Settings{Mode: "CRF", CRF: 51, Maxrate: "5M", Bufsize: "10M"}, ""},
		{ffmpeg.Settings{Mode: "VBR", Bitrate: "5000k", Bufsize: "2000k"}, ""},
		{ffmpeg.Settings{}, "mode"},
		{ffmpeg.Settings{Mode: "FAST"}, "mode"},
		{ffmpeg.Settings{Mode: "COPY", CRF: 20}, "crf"},
		{ffmpeg.Settings{Mode: "CRF", CRF: 52}, "crf 52"},
		{ffmpeg.Settings{Mode: "CRF", CRF: -1}, "crf -1"},
		{ffmpeg.Settings{Mode: "CRF", CRF: 20, Bitrate: "5M"}, "bitrate"},
		{ffmpeg.Settings{Mode: "CRF", CRF: 20, Bufsize: "5M"}, "bufsize"},
		{ffmpeg.Settings{Mode: "CRF", CRF: 20, CQ: 20}, "cq"},
		{ffmpeg.Settings{Mode: "CQ", CQ: 60}, "cq 60"},
		{ffmpeg.Settings{Mode: "CQ", CQ: 60, Encoder: "libsvtav1"}, ""},
		{ffmpeg.Settings{Mode: "B"}, "bitrate is missing"},
		{ffmpeg.Settings{Mode: "B", Bitrate: "5M", Maxrate: "6M"}, "maxrate"},
		{ffmpeg.Settings{Mode: "ABR", Bitrate: "5M", Bufsize: "2M"}, "bufsize"},
		{ffmpeg.Settings{Mode: "ABR", Bitrate: "5 Mbit"}, `bitrate "5 Mbit"`},
		{ffmpeg.Settings{Mode: "ABR", Bitrate: "99999999999999999999M"}, "bitrate"},
		{ffmpeg.Settings{Mode: "ABR", Bitrate: "5"}, "bitrate"},
		{ffmpeg.Settings{Mode: "VBR", Bitrate: "5M", Maxrate: "4M"}, "maxrate 4M is below"},
		{ffmpeg.Settings{Mode: "CRF", Encoder: "libx266"}, `encoder "libx266"`},
		{ffmpeg.Settings{Mode: "CRF", Preset: "p5"}, `preset "p5"`},
		{ffmpeg.Settings{Mode: "CRF", Preset: "fast -y /etc/passwd"}, "preset"},
		{ffmpeg.Settings{Mode: "CRF", Encoder: "h264_nvenc", Preset: "veryfast"}, "preset"},
		{ffmpeg.Settings{Mode: "ABR", Encoder: "libsvtav1", Bitrate: "5M"}, "mode ABR"},
	}
	for _, tt := range tests {
		err := tt.settings.Validate()
		if tt.field == "" {
			if err != nil {
				t.Errorf("%+v: %v", tt.settings, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.field) {
			t.Errorf("%+v: got %v, want an error that names %q", tt.settings, err, tt.field)
		}
	}
}

func TestSettings_aNodesDefaultsSuitEveryModeOnceTrimmed(t *testing.T) {
	defaults := ffmpeg.Settings{Encoder: "X264", CRF: 24, CQ: 24, Bitrate: "5000k", Bufsize: "2000k", Preset: "veryfast"}
	for _, mode := range []ffmpeg.Mode{ffmpeg.Copy, ffmpeg.CRF, ffmpeg.CQ, ffmpeg.B, ffmpeg.ABR, ffmpeg.VBR} {
		defaults.Mode = mode
		if err := defaults.Trimmed().Validate(); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestSettings_forAnotherEncoderDropAPresetItDoesNotKnow(t *testing.T) {
	s := ffmpeg.Settings{Mode: ffmpeg.CRF, CRF: 24, Encoder: "h264_nvenc", Preset: "p5"}.For("libx264")
	if s.Encoder != "libx264" || s.Preset != "" || s.Validate() != nil {
		t.Errorf("got %+v", s)
	}
	if s := (ffmpeg.Settings{Preset: "fast"}).For("libx265"); s.Preset != "fast" {
		t.Errorf("got %+v", s)
	}
}
