package flv

import "fmt"

// Codec names what a stream is coded with and, where ffmpeg's support differs,
// how FLV carries it.
type Codec string

// The codecs recorders write. HEVC12 is the codec id 12 of Chinese CDNs, which
// is not in Adobe's specification; the Enhanced ones carry a fourcc.
const (
	None         Codec = ""
	AVC          Codec = "avc"
	HEVC12       Codec = "hevc-12"
	HEVCEnhanced Codec = "hevc-enhanced"
	AVCEnhanced  Codec = "avc-enhanced"
	AV1Enhanced  Codec = "av1-enhanced"
	VP9Enhanced  Codec = "vp9-enhanced"
	AAC          Codec = "aac"
	MP3          Codec = "mp3"
	Opus         Codec = "opus-enhanced"
)

// HEVC says whether the codec is HEVC, however it is carried.
func (c Codec) HEVC() bool { return c == HEVC12 || c == HEVCEnhanced }

// packet is what a tag's first body bytes say.
type packet struct {
	codec  Codec
	header bool // a sequence header (decoder configuration), no picture or sound
	frame  bool // a picture or a piece of sound
	key    bool // a picture that can be decoded on its own
}

const (
	avcID, hevcID       = 7, 12
	aacFormat           = 10
	frameKey, frameInfo = 1, 5
)

// parseVideo reads the first bytes of a video tag's body.
func parseVideo(b []byte) packet {
	if len(b) < 2 {
		return packet{}
	}
	if b[0]&0x80 != 0 {
		return parseEnhancedVideo(b)
	}
	p := packet{codec: videoCodec(b[0] & 0x0f), frame: true, key: b[0]>>4 == frameKey}
	if id := b[0] & 0x0f; id == avcID || id == hevcID {
		p.header, p.frame = b[1] == 0, b[1] == 1
	}
	if b[0]>>4 == frameInfo {
		p.frame, p.header = false, false
	}
	return p
}

func parseEnhancedVideo(b []byte) packet {
	if len(b) < 5 {
		return packet{}
	}
	const sequenceStart, codedFrames, codedFramesX = 0, 1, 3
	kind, frameType := b[0]&0x0f, b[0]>>4&7
	return packet{
		codec:  enhancedCodec(string(b[1:5])),
		header: kind == sequenceStart,
		frame:  (kind == codedFrames || kind == codedFramesX) && frameType != frameInfo,
		key:    frameType == frameKey,
	}
}

// parseAudio reads the first bytes of an audio tag's body.
func parseAudio(b []byte) packet {
	if len(b) < 1 {
		return packet{}
	}
	const enhanced = 9
	switch format := b[0] >> 4; {
	case format == enhanced && len(b) >= 5:
		kind := b[0] & 0x0f
		return packet{codec: enhancedCodec(string(b[1:5])), header: kind == 0, frame: kind == 1, key: true}
	case format == aacFormat && len(b) >= 2:
		return packet{codec: AAC, header: b[1] == 0, frame: b[1] == 1, key: true}
	case format == aacFormat:
		return packet{codec: AAC}
	default:
		return packet{codec: audioCodec(format), frame: true, key: true}
	}
}

func videoCodec(id byte) Codec {
	switch id {
	case 2:
		return "h263"
	case 3, 6:
		return "screen"
	case 4, 5:
		return "vp6"
	case avcID:
		return AVC
	case hevcID:
		return HEVC12
	default:
		return Codec(fmt.Sprintf("video-%d", id))
	}
}

func audioCodec(format byte) Codec {
	switch format {
	case 0, 3:
		return "pcm"
	case 1:
		return "adpcm"
	case 2, 14:
		return MP3
	case 4, 5, 6:
		return "nellymoser"
	case 7:
		return "alaw"
	case 8:
		return "mulaw"
	case 11:
		return "speex"
	default:
		return Codec(fmt.Sprintf("audio-%d", format))
	}
}

// enhancedCodec names a fourcc of Enhanced RTMP (veovera.org).
func enhancedCodec(fourcc string) Codec {
	switch fourcc {
	case "hvc1":
		return HEVCEnhanced
	case "avc1":
		return AVCEnhanced
	case "av01":
		return AV1Enhanced
	case "vp09":
		return VP9Enhanced
	case "Opus":
		return Opus
	case "mp4a":
		return "aac-enhanced"
	default:
		return Codec(fmt.Sprintf("fourcc-%q", fourcc))
	}
}
