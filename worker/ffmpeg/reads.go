package ffmpeg

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Reads is what an ffmpeg can read beyond plain FLV.
type Reads struct {
	Version      string
	HEVC12       bool // HEVC by codec id 12, as Chinese CDNs send it: ffmpeg 8
	HEVCEnhanced bool // HEVC, AV1 and VP9 by fourcc: ffmpeg 6.1
}

// ReadsHEVCinFLV lets ffmpeg decode a picture of 64x64 in both forms.
func (t Tools) ReadsHEVCinFLV(ctx context.Context) (Reads, error) {
	version, err := t.Version(ctx)
	if err != nil {
		return Reads{}, err
	}
	r := Reads{Version: version}
	plain, plainErr := t.decodes(ctx, sampleHEVC12())
	enhanced, enhancedErr := t.decodes(ctx, sampleHEVCEnhanced())
	r.HEVC12, r.HEVCEnhanced = plain, enhanced
	return r, errors.Join(plainErr, enhancedErr)
}

// decodes says whether ffmpeg gets a picture out of a file. Only an ffmpeg
// that could not run at all is an error.
func (t Tools) decodes(ctx context.Context, file []byte) (bool, error) {
	// Raw pictures on stdout: older versions end with 0 and no picture.
	out, err := ask(ctx, question{program: t.FFmpeg, stdin: file, args: []string{
		"-hide_banner", "-nostdin", "-v", "error", "-f", "flv", "-i", "pipe:0",
		"-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1",
	}})
	var e *Error
	if errors.As(err, &e) && e.Kind == Exited {
		return false, nil
	}
	return len(out) == sampleSide*sampleSide, err
}

// CanRead says, before ffmpeg runs, whether it can read a codec. The name is
// the one that worker/flv gives. The error is *Error of kind Unreadable and
// says what to install.
func (r Reads) CanRead(codec string) error {
	switch {
	case codec == "hevc-12" && !r.HEVC12:
		return r.unreadable("HEVC (FLV codec 12)", "8")
	case strings.HasSuffix(codec, "-enhanced") && !r.HEVCEnhanced:
		name := strings.ToUpper(strings.TrimSuffix(codec, "-enhanced"))
		return r.unreadable(name+" in Enhanced FLV", "8")
	case strings.HasPrefix(codec, "video-"), strings.HasPrefix(codec, "audio-"), strings.HasPrefix(codec, "fourcc-"):
		return r.unreadable("in a form that no ffmpeg is known to read ("+codec+")", "8")
	}
	return nil
}

func (r Reads) unreadable(what, version string) error {
	return &Error{Kind: Unreadable, Program: "ffmpeg", Err: fmt.Errorf(
		"this recording is %s; ffmpeg %s cannot read it: install ffmpeg %s or set the recorder's quality to avc10000",
		what, r.Version, version)}
}

const sampleSide = 64

// sampleHEVC12 is a file of one black picture, coded as HEVC id 12.
func sampleHEVC12() []byte {
	const keyFrame, header, picture = 1<<4 | 12, 0, 1
	config, frame := sampleHEVC()
	return sampleFile(
		append([]byte{keyFrame, header, 0, 0, 0}, config...),
		append([]byte{keyFrame, picture, 0, 0, 0}, frame...),
	)
}

// sampleHEVCEnhanced is the same picture marked by its fourcc.
func sampleHEVCEnhanced() []byte {
	const keyFrame, header, picture = 0x80 | 1<<4, 0, 3
	config, frame := sampleHEVC()
	return sampleFile(
		append([]byte{keyFrame | header, 'h', 'v', 'c', '1'}, config...),
		append([]byte{keyFrame | picture, 'h', 'v', 'c', '1'}, frame...),
	)
}

// sampleFile puts the two tags into a file, the picture twice: some versions
// hold the last one back.
func sampleFile(config, frame []byte) []byte {
	const video = 9
	b := bytes.NewBuffer([]byte{'F', 'L', 'V', 1, 1, 0, 0, 0, 9, 0, 0, 0, 0})
	for i, body := range [][]byte{config, frame, frame} {
		n, ts := len(body), byte(40*max(i-1, 0))
		b.Write([]byte{video, 0, byte(n >> 8), byte(n), 0, 0, ts, 0, 0, 0, 0})
		b.Write(body)
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(11+n)))
	}
	return b.Bytes()
}

// sampleHEVC is a decoder configuration and a key frame, made with libx265.
func sampleHEVC() (config, frame []byte) {
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			panic(err) // a constant of this file is damaged
		}
		return slices.Clip(b)
	}
	return decode("AQFgAAAAkAAAAAAAHvAA/P34+AAADwOgAAEAGEABDAH//wFgAAADAJAAAAMAAAMAHpWYCaEAAQAoQgEBAWAAAAMAkAAAAwAAAwAeoCCBBZZWaSTK8BaAgAAAAwCAAAAMhKIAAQAHRAHBcrQiQA=="),
		decode("AAAADigBrx2A9wFb//JO/szw")
}
