package flv

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// AMF0 markers, from Adobe's "Action Message Format -- AMF 0".
const (
	amfNumber      = 0
	amfBool        = 1
	amfString      = 2
	amfObject      = 3
	amfNull        = 5
	amfUndefined   = 6
	amfReference   = 7
	amfEcmaArray   = 8
	amfObjectEnd   = 9
	amfStrictArray = 10
	amfDate        = 11
	amfLongString  = 12
	amfUnsupported = 13
	amfXML         = 15
)

const (
	amfMaxDepth  = 16
	amfMaxString = 64 << 10
)

var errAMF = errors.New("malformed AMF0")

// amf decodes AMF0 from bytes at hand. Nothing is allocated by a length that
// the bytes claim; strict arrays (keyframe indexes) are walked, not kept.
type amf struct{ b []byte }

// value decodes one value: float64, bool, string, time.Time, map[string]any,
// or nil. What it returns with an error is what could be read until there.
func (a *amf) value(depth int) (any, error) {
	if depth > amfMaxDepth {
		return nil, errAMF
	}
	marker, err := a.take(1)
	if err != nil {
		return nil, err
	}
	switch marker[0] {
	case amfNumber:
		return a.number()
	case amfBool:
		b, err := a.take(1)
		return err == nil && b[0] != 0, err
	case amfString:
		return a.text(2)
	case amfLongString, amfXML:
		return a.text(4)
	case amfObject:
		return a.object(depth)
	case amfEcmaArray:
		if _, err := a.take(4); err != nil { // an approximate count
			return nil, err
		}
		return a.object(depth)
	case amfStrictArray:
		return nil, a.strictArray(depth)
	case amfDate:
		return a.date()
	case amfReference:
		_, err := a.take(2)
		return nil, err
	case amfNull, amfUndefined, amfUnsupported:
		return nil, nil
	default:
		return nil, errAMF
	}
}

func (a *amf) object(depth int) (map[string]any, error) {
	object := make(map[string]any)
	for {
		key, err := a.text(2)
		if err != nil {
			return object, err
		}
		if key == "" && len(a.b) > 0 && a.b[0] == amfObjectEnd {
			a.b = a.b[1:]
			return object, nil
		}
		value, err := a.value(depth + 1)
		if value != nil {
			object[key] = value
		}
		if err != nil {
			return object, err
		}
	}
}

func (a *amf) strictArray(depth int) error {
	count, err := a.take(4)
	if err != nil {
		return err
	}
	for range binary.BigEndian.Uint32(count) {
		if _, err := a.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (a *amf) number() (float64, error) {
	b, err := a.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

func (a *amf) date() (any, error) {
	ms, err := a.number()
	if err != nil {
		return nil, err
	}
	if _, err := a.take(2); err != nil { // a time zone nobody fills in
		return nil, err
	}
	const farFuture = 1e14 // year 5138
	if math.IsNaN(ms) || math.Abs(ms) > farFuture {
		return nil, nil
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

// text reads a string whose length stands in the given number of bytes.
func (a *amf) text(lengthSize int) (string, error) {
	b, err := a.take(lengthSize)
	if err != nil {
		return "", err
	}
	length := uint64(0)
	for _, c := range b {
		length = length<<8 | uint64(c)
	}
	if length > uint64(len(a.b)) {
		return "", errAMF
	}
	b, err = a.take(int(length))
	return string(b[:min(len(b), amfMaxString)]), err
}

func (a *amf) take(n int) ([]byte, error) {
	if n > len(a.b) {
		return nil, errAMF
	}
	b := a.b[:n]
	a.b = a.b[n:]
	return b, nil
}
