package ffmpeg

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Media is what ffprobe says of a file.
type Media struct {
	Duration time.Duration
	Bytes    int64
	Format   string
	Title    string // as the container's tags say; most have none
	Artist   string
	Streams  []Stream
}

// Stream is one track.
type Stream struct {
	Kind          string // video, audio, …
	Codec         string // as ffmpeg names it: h264, hevc, aac; "unknown" when it cannot be read
	Width, Height int
	Frames        int // as the container counts them; 0 = it does not
	Duration      time.Duration
}

// First returns the first track of a kind.
func (m Media) First(kind string) (Stream, bool) {
	for _, s := range m.Streams {
		if s.Kind == kind {
			return s, true
		}
	}
	return Stream{}, false
}

// Probe asks ffprobe about a file.
func (t Tools) Probe(ctx context.Context, path string) (Media, error) {
	out, err := ask(ctx, question{program: t.FFprobe, file: path, args: []string{
		"-hide_banner", "-v", "error", "-print_format", "json", "-show_format", "-show_streams", "-i", fileURL(path),
	}})
	if err != nil {
		return Media{}, err
	}
	var a probeAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		return Media{}, &Error{Kind: BadOutput, Program: t.FFprobe, File: path, Err: fmt.Errorf("ffprobe's answer on %s is not JSON: %w", path, err)}
	}
	return a.media(), nil
}

type probeAnswer struct {
	Format struct {
		Name     string            `json:"format_name"`
		Duration string            `json:"duration"`
		Size     string            `json:"size"`
		Tags     map[string]string `json:"tags"`
	} `json:"format"`
	Streams []struct {
		Kind     string `json:"codec_type"`
		Codec    string `json:"codec_name"`
		Width    int    `json:"width"`
		Height   int    `json:"height"`
		Frames   string `json:"nb_frames"`
		Duration string `json:"duration"`
	} `json:"streams"`
}

func (a probeAnswer) media() Media {
	m := Media{Format: a.Format.Name, Duration: seconds(a.Format.Duration), Bytes: int64(number(a.Format.Size))}
	m.Title, m.Artist = a.tag("title"), a.tag("artist")
	for _, s := range a.Streams {
		frames, err := strconv.Atoi(s.Frames)
		if err != nil {
			frames = 0 // most containers do not count
		}
		codec := s.Codec
		if codec == "" {
			codec = "unknown"
		}
		m.Streams = append(m.Streams, Stream{
			Kind: s.Kind, Codec: codec, Width: s.Width, Height: s.Height, Frames: frames, Duration: seconds(s.Duration),
		})
	}
	return m
}

// tag finds one however the container spells it: Matroska's are in capitals.
func (a probeAnswer) tag(name string) string {
	for key, value := range a.Format.Tags {
		if strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func seconds(s string) time.Duration {
	const tooLong = 1e9
	n := number(s)
	if n < 0 || n > tooLong {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
