package main

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Secret is a value that prints as "(set)"; string(s) is the value itself.
type Secret string

// String hides the value from fmt, from the log and from JSON's callers.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the value from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // encoding.TextMarshaler has the error

// SecretURL is an address whose path, query or user part may be a secret: it
// prints as scheme and host only.
type SecretURL string

// String shows where the address points and nothing else of it.
func (s SecretURL) String() string {
	u, err := url.Parse(string(s))
	switch {
	case s == "":
		return ""
	case err != nil || u.Hostname() == "" || strings.Count(string(s), "@") > 1,
		// A password with an unescaped / or # makes part of it look like a host.
		strings.Contains(string(s), "@") && u.User == nil:
		return "(set)"
	case u.RawQuery == "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.Fragment == "":
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// GoString hides the secret parts from %#v.
func (s SecretURL) GoString() string { return s.String() }

// LogValue hides the secret parts from slog.
func (s SecretURL) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret parts from JSON.
func (s SecretURL) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // encoding.TextMarshaler has the error

// Mode is one of the six ways to transcode, in the spelling of the original.
type Mode string

// UnmarshalText accepts the six modes in any case.
func (m *Mode) UnmarshalText(text []byte) error {
	switch mode := Mode(strings.ToUpper(strings.TrimSpace(string(text)))); mode {
	case "COPY", "CRF", "CQ", "B", "ABR", "VBR":
		*m = mode
		return nil
	}
	return fmt.Errorf("%q is no mode: use COPY, CRF, CQ, B, ABR or VBR", text)
}

// Encoder is ffmpeg's name of a video encoder.
type Encoder string

// UnmarshalText accepts ffmpeg's names and the original's X264.
func (e *Encoder) UnmarshalText(text []byte) error {
	name := strings.ToLower(strings.TrimSpace(string(text)))
	if name == "x264" || name == "x265" {
		name = "lib" + name
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || strings.HasPrefix(name, "-") {
		return fmt.Errorf("%q is no encoder: use ffmpeg's name of one, such as libx264", text)
	}
	*e = Encoder(name)
	return nil
}

// Bitrate is in bits a second (or bits, for a buffer), written as ffmpeg does: 5000k, 5M.
type Bitrate int64

// UnmarshalText reads digits with an optional k or M, both powers of 1000.
func (b *Bitrate) UnmarshalText(text []byte) error {
	s, unit := strings.TrimSpace(string(text)), int64(1)
	switch {
	case strings.HasSuffix(s, "k"), strings.HasSuffix(s, "K"):
		s, unit = s[:len(s)-1], 1_000
	case strings.HasSuffix(s, "M"):
		s, unit = s[:len(s)-1], 1_000_000
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 10_000_000_000/unit {
		return fmt.Errorf("%q is no bitrate: write it as 5000k or 5M", text)
	}
	*b = Bitrate(n * unit)
	return nil
}

// String is the form that ffmpeg takes.
func (b Bitrate) String() string {
	if b%1_000 == 0 {
		return strconv.FormatInt(int64(b)/1_000, 10) + "k"
	}
	return strconv.FormatInt(int64(b), 10)
}

// Space is an amount of disk: so many bytes, or a share of the disk's size.
type Space struct {
	percent float64 // 0..100; counts when bytes is 0
	bytes   uint64
}

type unit struct {
	suffix string
	bytes  float64
}

// spaceUnits has the longer suffix before the one it ends with.
func spaceUnits() []unit {
	return []unit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"KB", 1e3},
		{"B", 1},
	}
}

// UnmarshalText reads 10%, 1GiB, 500MB; a number needs its unit.
func (s *Space) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if t == "0" {
		*s = Space{}
		return nil
	}
	bad := fmt.Errorf("%q is no amount of disk space: write it as 10%% or 1GiB", text)
	if number, ok := strings.CutSuffix(t, "%"); ok {
		percent, err := positive(number)
		if err != nil || percent > 100 {
			return bad
		}
		*s = Space{percent: percent}
		return nil
	}
	for _, u := range spaceUnits() {
		if number, ok := strings.CutSuffix(t, u.suffix); ok {
			n, err := positive(number)
			if err != nil || n*u.bytes >= math.MaxInt64 {
				return bad
			}
			*s = Space{bytes: uint64(n * u.bytes)}
			return nil
		}
	}
	return bad
}

// positive reads a plain decimal number: ParseFloat alone would take NaN, Inf and 1e3.
func positive(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// Of is the amount in bytes on a disk of that size.
func (s Space) Of(diskBytes uint64) uint64 {
	if s.bytes > 0 {
		return s.bytes
	}
	return uint64(float64(diskBytes) * s.percent / 100)
}

// String is a form that UnmarshalText reads back to the same amount.
func (s Space) String() string {
	if s.bytes == 0 {
		return strconv.FormatFloat(s.percent, 'f', -1, 64) + "%"
	}
	for _, u := range spaceUnits() {
		if size := uint64(u.bytes); s.bytes%size == 0 {
			return strconv.FormatUint(s.bytes/size, 10) + u.suffix
		}
	}
	return strconv.FormatUint(s.bytes, 10) + "B"
}
