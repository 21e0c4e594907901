package ffmpeg

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mode is how the output's size and quality are chosen.
type Mode string

// The modes, by the names that users know.
const (
	Copy Mode = "COPY" // no encoding: the same pictures in an MP4
	CRF  Mode = "CRF"  // constant quality as people see it
	CQ   Mode = "CQ"   // constant quantizer
	B    Mode = "B"    // constant bitrate
	ABR  Mode = "ABR"  // average bitrate over the whole file
	VBR  Mode = "VBR"  // average bitrate with capped peaks
)

// Settings say how to encode. Each mode reads its own fields and Validate
// refuses the others, because ffmpeg ignores them without a word; take a
// node's defaults through Trimmed.
type Settings struct {
	Mode    Mode   `json:"mode"`
	Encoder string `json:"encoder,omitempty"` // empty: libx264
	CRF     int    `json:"crf,omitempty"`
	CQ      int    `json:"cq,omitempty"`
	Bitrate string `json:"bitrate,omitempty"` // such as 5000k or 5M, bits a second
	Maxrate string `json:"maxrate,omitempty"`
	Bufsize string `json:"bufsize,omitempty"`
	Preset  string `json:"preset,omitempty"` // empty: the encoder's own
}

// Canonical spells the settings one way: the mode in capitals, and the
// original's X264 as libx264.
func (s Settings) Canonical() Settings {
	s.Mode = Mode(strings.ToUpper(string(s.Mode)))
	if strings.EqualFold(s.Encoder, "x264") || s.Encoder == "" {
		s.Encoder = "libx264"
	}
	return s
}

// Trimmed keeps the fields that the mode reads.
func (s Settings) Trimmed() Settings {
	s = s.Canonical()
	kept := Settings{Mode: s.Mode, Encoder: s.Encoder, Preset: s.Preset}
	switch s.Mode {
	case CRF:
		kept.CRF, kept.Maxrate = s.CRF, s.Maxrate
		if s.Maxrate != "" {
			kept.Bufsize = s.Bufsize
		}
	case CQ:
		kept.CQ = s.CQ
	case B:
		kept.Bitrate, kept.Bufsize = s.Bitrate, s.Bufsize
	case ABR:
		kept.Bitrate = s.Bitrate
	case VBR:
		kept.Bitrate, kept.Maxrate, kept.Bufsize = s.Bitrate, s.Maxrate, s.Bufsize
	case Copy:
		kept = Settings{Mode: Copy}
	}
	return kept
}

// For changes the encoder, and drops a preset that the new one does not know.
func (s Settings) For(encoder string) Settings {
	s.Encoder = encoder
	s = s.Canonical()
	if f, ok := familyOf(s.Encoder); ok && !f.knows(s.Preset) {
		s.Preset = ""
	}
	return s
}

// Validate says what is wrong with the settings, by the name of the field.
func (s Settings) Validate() error {
	s = s.Canonical()
	if !slices.Contains([]Mode{Copy, CRF, CQ, B, ABR, VBR}, s.Mode) {
		return fmt.Errorf("mode %q is unknown: use COPY, CRF, CQ, B, ABR or VBR", s.Mode)
	}
	if s.Mode == Copy {
		return s.unread()
	}
	f, ok := familyOf(s.Encoder)
	if !ok {
		return fmt.Errorf("encoder %q is unknown: use %s", s.Encoder, strings.Join(encoderNames(), ", "))
	}
	return errors.Join(s.checkEncoder(f), s.unread(), s.checkRates())
}

func (s Settings) checkEncoder(f family) error {
	switch {
	case !f.knows(s.Preset):
		return fmt.Errorf("preset %q is unknown to %s: use one of %s", s.Preset, s.Encoder, strings.Join(f.presets, ", "))
	case f.rates == nil && s.Mode != CRF && s.Mode != CQ:
		return fmt.Errorf("mode %s: %s misses bitrates by far; use CRF", s.Mode, s.Encoder)
	case s.Mode == CRF && (s.CRF < 0 || s.CRF > f.worst):
		return fmt.Errorf("crf %d: %s takes 0 to %d", s.CRF, s.Encoder, f.worst)
	case s.Mode == CQ && (s.CQ < 0 || s.CQ > f.worst):
		return fmt.Errorf("cq %d: %s takes 0 to %d", s.CQ, s.Encoder, f.worst)
	}
	return nil
}

// unread names the fields that the mode would ignore.
func (s Settings) unread() error {
	kept := s.Trimmed()
	var ignored []string
	for _, field := range []struct {
		name    string
		dropped bool
	}{
		{"crf", s.CRF != kept.CRF},
		{"cq", s.CQ != kept.CQ},
		{"bitrate", s.Bitrate != kept.Bitrate},
		{"maxrate", s.Maxrate != kept.Maxrate},
		{"bufsize", s.Bufsize != kept.Bufsize},
	} {
		if field.dropped {
			ignored = append(ignored, field.name)
		}
	}
	if len(ignored) == 0 {
		return nil
	}
	return fmt.Errorf("mode %s does not read %s: %s", s.Mode, strings.Join(ignored, ", "), s.advice())
}

func (s Settings) advice() string {
	switch s.Mode {
	case CRF:
		return "remove it, or for a cap set maxrate together with bufsize"
	case ABR:
		return "remove it, or use VBR for capped peaks and B for a constant bitrate"
	case B:
		return "remove it; the bitrate is the cap, and VBR has a separate one"
	case Copy:
		return "remove it, or choose a mode that encodes"
	case CQ, VBR:
		return "remove it"
	default:
		return "remove it"
	}
}

func (s Settings) checkRates() error {
	var errs []error
	if slices.Contains([]Mode{B, ABR, VBR}, s.Mode) && s.Bitrate == "" {
		errs = append(errs, fmt.Errorf("bitrate is missing: mode %s needs one, such as 5000k", s.Mode))
	}
	for _, rate := range []struct{ name, value string }{
		{"bitrate", s.Bitrate}, {"maxrate", s.Maxrate}, {"bufsize", s.Bufsize},
	} {
		if n, err := parseRate(rate.value); rate.value != "" && (err != nil || n < 1000 || n > 1e9) {
			errs = append(errs, fmt.Errorf("%s %q: write 1k to 1000M, such as 5000k or 5M", rate.name, rate.value))
		}
	}
	bitrate, _ := parseRate(s.Bitrate)
	maxrate, _ := parseRate(s.Maxrate)
	if s.Mode == VBR && maxrate > 0 && maxrate < bitrate {
		errs = append(errs, fmt.Errorf("maxrate %s is below bitrate %s", s.Maxrate, s.Bitrate))
	}
	return errors.Join(errs...)
}

// parseRate reads bits a second: 5000000, 5000k, 5M.
func parseRate(s string) (int64, error) {
	m := regexp.MustCompile(`^(\d{1,10})([kKM]?)$`).FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no bitrate", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	switch m[2] {
	case "k", "K":
		n *= 1000
	case "M":
		n *= 1_000_000
	}
	return n, err
}
