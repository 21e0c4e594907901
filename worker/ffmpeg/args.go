package ffmpeg

import (
	"strconv"
	"strings"
	"time"
)

// Args is the argument list for a job whose settings are valid.
func Args(j Job) []string {
	s := j.Settings.Trimmed()
	f, _ := familyOf(s.Encoder)
	args := []string{
		"-hide_banner", "-nostdin", "-loglevel", "level+warning", "-nostats",
		"-progress", "pipe:1", "-stats_period", "0.5", "-y",
	}
	args = append(args, f.device...)
	args = append(args, j.input()...)
	// A question mark: a recording may have no picture, or no sound.
	args = append(args, "-map", "0:v:0?", "-map", "0:a?")
	if s.Mode == Copy {
		args = append(args, j.copying()...)
	} else {
		args = append(args, j.encoding(s, f)...)
	}
	return append(args, "-movflags", "+faststart", "-f", "mp4", fileURL(j.Out))
}

func (j Job) input() []string {
	var args []string
	// ffmpeg probes 5 MB and 5 s by itself. Half as much again, for the
	// stream's first packets.
	const byItself = 5_000_000
	if j.ProbeBytes > byItself/2 || j.ProbeTime > 2*time.Second {
		size := j.ProbeBytes + j.ProbeBytes/2 + byItself
		length := (j.ProbeTime + j.ProbeTime/2 + 10*time.Second).Microseconds()
		args = append(args, "-probesize", strconv.FormatInt(size, 10), "-analyzeduration", strconv.FormatInt(length, 10))
	}
	if j.Input != nil {
		return append(args, "-f", "flv", "-i", "pipe:0")
	}
	return append(args, "-i", fileURL(j.In))
}

func (j Job) copying() []string {
	args := []string{"-c", "copy"}
	if j.EncodeAudio {
		args = []string{"-c:v", "copy", "-c:a", "aac", "-b:a", audioRate}
	}
	if j.HEVC {
		args = append(args, "-tag:v", "hvc1") // Apple's players know no other
	}
	return args
}

// audioRate is beyond what any platform sends.
const audioRate = "320k"

func (j Job) encoding(s Settings, f family) []string {
	args := []string{"-c:v", s.Encoder}
	if s.Preset != "" {
		args = append(args, "-preset", s.Preset)
	}
	args = append(args, f.arguments(s)...)
	args = append(args, f.format...)
	if s.Encoder == "libx265" || strings.HasPrefix(s.Encoder, "hevc_") {
		args = append(args, "-tag:v", "hvc1")
	}
	// vfr: a picture stays where it was; ffmpeg's own choice fills a pause
	// with a hundred thousand copies.
	args = append(args, "-fps_mode", "vfr")
	if j.EncodeAudio {
		return append(args, "-c:a", "aac", "-b:a", audioRate)
	}
	return append(args, "-c:a", "copy")
}
