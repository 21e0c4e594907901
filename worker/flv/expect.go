package flv

import "time"

// Expectation is what a correct output of a scanned source looks like.
type Expectation struct {
	Min, Max    time.Duration
	HasVideo    bool
	HasAudio    bool
	VideoFrames int // the least a remux may hold; an encoder may drop repeats
	AudioFrames int
}

// NeedsMending says whether the timestamps are broken, so that ffmpeg must be
// given Mend's stream: of a step back ffmpeg keeps the frames but squeezes
// them into no time, and a step of an hour forward makes the output an hour
// longer.
func (s Scan) NeedsMending() bool {
	for _, j := range s.Jumps {
		if j.Broken() {
			return true
		}
	}
	return s.JumpCount > len(s.Jumps)
}

// CopiesVideo says whether the pictures can be copied: an MP4 track has one
// decoder configuration, and what follows a second one cannot be decoded. Such
// a source must be encoded. ffmpeg itself copies it without a word.
func (s Scan) CopiesVideo() bool { return !s.VideoHeadersDiffer }

// CopiesAudio says whether the sound can be copied: it does not change its form
// midway, and MP4 can hold it.
func (s Scan) CopiesAudio() bool {
	switch s.AudioCodec {
	case None, AAC, MP3, Opus, "aac-enhanced":
		return !s.AudioHeadersDiffer
	default:
		return false
	}
}

// Expect says what ffmpeg's output of this source must be, mended or as it is.
//
// Clean and cut files: Media, which is what Span is too. Mended: Media. Not
// mended with a step forward: Span, for ffmpeg follows the timestamps. Not
// mended with a step back: Media, which ffmpeg cannot reach and must not be
// believed.
func (s Scan) Expect(mended bool) Expectation {
	length := s.Media
	if !mended && s.Span > s.Media {
		length = s.Span
	}
	slack := tolerance(s.Media)
	return Expectation{
		Min:         length - min(slack, s.Media/2),
		Max:         length + slack,
		HasVideo:    s.VideoFrames > 0,
		HasAudio:    s.AudioFrames > 0,
		VideoFrames: fewest(s.VideoFrames),
		AudioFrames: fewest(s.AudioFrames),
	}
}

// tolerance is 2 s or 1 %, whichever is more: encoders delay the sound and
// players' clocks round, by far less than that.
func tolerance(d time.Duration) time.Duration { return max(2*time.Second, d/100) }

// fewest allows for the last, half-written frame and a few that a demuxer
// drops around damage.
func fewest(frames int) int { return max(frames-max(frames/100, 5), min(frames, 1)) }
