package ffmpeg

import (
	"slices"
	"strconv"
	"strings"
)

// family is a group of encoders that take the same options. Each mode is a
// function to its arguments; rates is nil where bitrates cannot be relied on.
type family struct {
	encoders  []string
	worst     int      // the largest CRF and CQ
	presets   []string // nil: it has none
	quality   func(n string) []string
	quantizer func(n string) []string
	rates     func(Mode, rates) []string
	device    []string // before the input
	format    []string // the pictures' form, or the filter to the device
}

// rates are bits a second, as ffmpeg takes them.
type rates struct{ bitrate, maxrate, bufsize string }

func familyOf(encoder string) (family, bool) {
	for _, f := range families() {
		if slices.Contains(f.encoders, encoder) {
			return f, true
		}
	}
	return family{}, false
}

func encoderNames() []string {
	var names []string
	for _, f := range families() {
		names = append(names, f.encoders...)
	}
	return names
}

func (f family) knows(preset string) bool {
	return preset == "" || slices.Contains(f.presets, preset)
}

// families is the table of encoders. The rows beyond x264, x265 and SVT-AV1
// are from the makers' documentation and need their hardware to be tried.
func families() []family {
	x264 := strings.Fields("ultrafast superfast veryfast faster fast medium slow slower veryslow placebo")
	quality := option("-crf")
	quantizer := option("-qp")
	return []family{
		{
			encoders: []string{"libx264"}, worst: 51, presets: x264,
			quality: quality, quantizer: quantizer, rates: softwareRates,
			format: []string{"-pix_fmt", "yuv420p"}, // what every player shows
		},
		{
			encoders: []string{"libx265"}, worst: 51, presets: x264,
			quality: quality, quantizer: quantizer, rates: softwareRates,
		},
		{
			encoders: []string{"libsvtav1"}, worst: 63, presets: strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11 12 13"),
			quality: quality, quantizer: quantizer,
		},
		{
			encoders: []string{"h264_nvenc", "hevc_nvenc"}, worst: 51, presets: strings.Fields("p1 p2 p3 p4 p5 p6 p7"),
			quality: func(n string) []string {
				return []string{"-rc", "vbr", "-cq", n, "-b:v", "0", "-tune", "hq"}
			},
			quantizer: option("-rc", "constqp", "-qp"), rates: nvencRates,
		},
		{
			encoders: []string{"h264_qsv", "hevc_qsv"}, worst: 51, presets: strings.Fields("veryfast faster fast medium slow slower veryslow"),
			quality: option("-global_quality"), quantizer: option("-q:v"), rates: qsvRates,
			format: []string{"-pix_fmt", "nv12"},
		},
		{
			encoders: []string{"h264_vaapi", "hevc_vaapi"}, worst: 51,
			quality: option("-rc_mode", "ICQ", "-global_quality"), quantizer: option("-rc_mode", "CQP", "-qp"), rates: vaapiRates,
			device: []string{"-init_hw_device", "vaapi=va:/dev/dri/renderD128", "-filter_hw_device", "va"},
			format: []string{"-vf", "format=nv12,hwupload"},
		},
	}
}

// option makes arguments that end in the number.
func option(words ...string) func(n string) []string {
	return func(n string) []string { return append(slices.Clone(words), n) }
}

func softwareRates(m Mode, r rates) []string {
	if m == B { // x264 needs the buffer, else the cap is ignored without a word
		return []string{"-b:v", r.bitrate, "-minrate", r.bitrate, "-maxrate", r.bitrate, "-bufsize", r.bufsize}
	}
	if m == VBR {
		return []string{"-b:v", r.bitrate, "-maxrate", r.maxrate, "-bufsize", r.bufsize}
	}
	// ABR: with a buffer x264 would make a constant bitrate of it
	return []string{"-b:v", r.bitrate}
}

func nvencRates(m Mode, r rates) []string {
	if m == B {
		return []string{"-rc", "cbr", "-b:v", r.bitrate, "-maxrate", r.bitrate, "-bufsize", r.bufsize}
	}
	if m == VBR {
		return []string{"-rc", "vbr", "-b:v", r.bitrate, "-maxrate", r.maxrate, "-bufsize", r.bufsize}
	}
	return []string{"-rc", "vbr", "-b:v", r.bitrate}
}

func qsvRates(m Mode, r rates) []string {
	if m == B {
		return []string{"-b:v", r.bitrate, "-maxrate", r.bitrate, "-bufsize", r.bufsize}
	}
	if m == VBR {
		return []string{"-b:v", r.bitrate, "-maxrate", r.maxrate, "-bufsize", r.bufsize}
	}
	return []string{"-b:v", r.bitrate}
}

func vaapiRates(m Mode, r rates) []string {
	if m == B {
		return []string{"-rc_mode", "CBR", "-b:v", r.bitrate}
	}
	if m == VBR {
		return []string{"-rc_mode", "VBR", "-b:v", r.bitrate, "-maxrate", r.maxrate, "-bufsize", r.bufsize}
	}
	return []string{"-rc_mode", "VBR", "-b:v", r.bitrate}
}

// arguments are the mode's own; the settings are valid.
func (f family) arguments(s Settings) []string {
	switch s.Mode {
	case CRF:
		return append(f.quality(strconv.Itoa(s.CRF)), ceiling(s)...)
	case CQ:
		return f.quantizer(strconv.Itoa(s.CQ))
	case B:
		return f.rates(B, rates{bitrate: s.Bitrate, bufsize: orTimes(s.Bufsize, s.Bitrate, 1)})
	case VBR:
		maxrate := orTimes(s.Maxrate, s.Bitrate, 1.5)
		return f.rates(VBR, rates{s.Bitrate, maxrate, orTimes(s.Bufsize, maxrate, 2)})
	case ABR, Copy:
		return f.rates(ABR, rates{bitrate: s.Bitrate})
	default:
		return nil
	}
}

// ceiling is the optional cap on a constant quality. Without a buffer it would
// be ignored.
func ceiling(s Settings) []string {
	if s.Maxrate == "" {
		return nil
	}
	return []string{"-maxrate", s.Maxrate, "-bufsize", orTimes(s.Bufsize, s.Maxrate, 2)}
}

// orTimes is the value, or else a multiple of another rate.
func orTimes(value, base string, factor float64) string {
	if value != "" {
		return value
	}
	n, err := parseRate(base)
	if err != nil {
		return base
	}
	return strconv.FormatInt(int64(float64(n)*factor), 10)
}
