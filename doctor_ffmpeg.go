package main

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/ngworks/nglive/worker/ffmpeg"
)

func tools(cfg Config) ffmpeg.Tools { return ffmpeg.Tools{FFmpeg: cfg.FFmpeg, FFprobe: cfg.FFprobe} }

// examineFFmpeg looks for both programs. thorough also tries every encoder, and
// what can be read, which takes seconds.
func examineFFmpeg(ctx context.Context, cfg Config, thorough bool) findings {
	var f findings
	version, err := tools(cfg).Version(ctx)
	if err != nil {
		f.addWaiting("ffmpeg", inPlainWords(err), howToInstall("ffmpeg")+", or set NGLIVE_FFMPEG to its path / 或用 NGLIVE_FFMPEG 指定路径")
	} else {
		f.add(good, "ffmpeg", version, "")
	}
	probe := ffmpeg.Tools{FFmpeg: cfg.FFprobe}
	if version, err := probe.Version(ctx); err != nil {
		f.addWaiting("ffprobe", cfg.FFprobe+" cannot be run: "+err.Error()+" / 无法运行", "it comes with ffmpeg: "+howToInstall("ffmpeg")+", or set NGLIVE_FFPROBE / 随 ffmpeg 一起安装")
	} else {
		f.add(good, "ffprobe", version, "")
	}
	if err == nil && thorough {
		f = append(f, examineEncoders(ctx, cfg)...)
		f = append(f, examineReading(ctx, cfg)...)
	}
	return f
}

func inPlainWords(err error) string {
	if e, ok := errors.AsType[*ffmpeg.Error](err); ok {
		return e.UserMessage()
	}
	return err.Error()
}

// examineEncoders lets each encoder code three pictures: that a build lists one
// says little.
func examineEncoders(ctx context.Context, cfg Config) findings {
	var f findings
	probes, err := tools(cfg).Encoders(ctx)
	if err != nil {
		f.add(bad, "encoders 编码器", inPlainWords(err), "look at this ffmpeg by hand: ffmpeg -encoders / 请手动检查 ffmpeg")
		return f
	}
	var work, idle []string
	for _, p := range probes {
		switch {
		case p.Works:
			work = append(work, p.Name)
		case p.Listed:
			idle = append(idle, p.Name+" ("+withoutMarks(p.Line)+")")
		}
	}
	if len(work) == 0 {
		f.add(bad, "encoders 编码器", "none works / 没有可用的编码器", howToInstall("ffmpeg"))
		return f
	}
	f.add(good, "encoders 编码器", "work 可用: "+strings.Join(work, ", "), "")
	if len(idle) > 0 { // most machines lack most hardware: nothing is wrong
		f.add(good, "encoders 编码器", "for other hardware 本机硬件不支持: "+strings.Join(idle, "; "), "")
	}
	if _, warning := ffmpeg.Pick(probes, string(cfg.TranscodeEncoder)); warning != "" {
		f.add(note, "encoder 编码器", warning, "set NGLIVE_TRANSCODE_ENCODER to one that works / 请改用可用的编码器")
	}
	return f
}

// withoutMarks drops what ffmpeg puts before its words: [h264_qsv @ 0x55…] [error].
func withoutMarks(line string) string {
	return strings.TrimSpace(regexp.MustCompile(`^(\[[^\]]*\]\s*)+`).ReplaceAllString(line, ""))
}

// examineReading tries pictures of the two kinds that newer streams use.
func examineReading(ctx context.Context, cfg Config) findings {
	var f findings
	reads, err := tools(cfg).ReadsHEVCinFLV(ctx)
	if err != nil {
		f.add(note, "HEVC in FLV", inPlainWords(err), "look at this ffmpeg by hand / 请手动检查 ffmpeg")
		return f
	}
	for _, kind := range []struct {
		name, since string
		reads       bool
	}{
		{"HEVC in FLV, codec id 12 国内 CDN 的 HEVC", "8", reads.HEVC12},
		{"HEVC in Enhanced FLV", "6.1", reads.HEVCEnhanced},
	} {
		if kind.reads {
			f.add(good, kind.name, "can be read / 可以读取", "")
		} else {
			f.add(note, kind.name, "cannot be read / 无法读取", "install ffmpeg "+kind.since+" or newer, or let the recorder take avc10000 / 安装更新的 ffmpeg，或把录播姬画质设为 avc10000")
		}
	}
	return f
}
