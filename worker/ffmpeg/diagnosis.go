package ffmpeg

import "strings"

// Finding is something ffmpeg said that its exit code does not tell: it ends
// with 0 also when it left out half of a recording.
type Finding struct {
	Fatal   bool   // the output lacks something that the source holds
	Message string // in plain words
	Line    string // the last such line, as ffmpeg wrote it
	Count   int
}

const noSpaceLine = "No space left on device"

// Plain words for what ffmpeg says. They name what happened to the recording.
const (
	saidNoSpace   = "The disk is full."
	saidReadFault = "The disk could not read part of the recording."
	saidWriting   = "The output could not be written completely."
	saidLate      = "A sound or picture track that begins late was left out."
	saidDamaged   = "The recording is damaged or ends early; all that can be read was kept."
	saidDecoding  = "Some pictures or sounds could not be decoded and were left out or shown damaged."
	saidClock     = "Some timestamps went backwards and were moved."
	saidRepeated  = "Pauses were filled with repeated pictures."
)

// diagnose recognises a line of ffmpeg's stderr. What is not in this list does
// not mean that content was lost.
func diagnose(line string) (Finding, bool) {
	for _, known := range []struct {
		part    string
		fatal   bool
		message string
	}{
		{noSpaceLine, true, saidNoSpace},
		{"Input/output error", true, saidReadFault},
		{"Error writing trailer", true, saidWriting},
		{"av_interleaved_write_frame(", true, saidWriting},
		{"Error muxing a packet", true, saidWriting},
		{"Error submitting a packet to the muxer", true, saidWriting},
		{"Unable to re-open", true, saidWriting},
		{"Too many packets buffered for output stream", true, saidWriting},
		{"New audio stream", true, saidLate},
		{"New video stream", true, saidLate},
		{"corrupt input packet", false, saidDamaged},
		{"Packet corrupt", false, saidDamaged},
		{"Packet mismatch", false, saidDamaged},
		{"Error while decoding", false, saidDecoding},
		{"error while decoding MB", false, saidDecoding},
		{"Error submitting packet to decoder", false, saidDecoding},
		{"Non-monotonous DTS", false, saidClock},
		{"Non-monotonic DTS", false, saidClock},
		{"frames duplicated", false, saidRepeated},
	} {
		if strings.Contains(line, known.part) {
			return Finding{Fatal: known.fatal, Message: known.message, Line: line}, true
		}
	}
	return Finding{}, false
}
