package tasks

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A recording's document in Redis is JSON while something happens to it. One that is over stays for ever and is read seldom, so
// it is kept small: packedOne, then the JSON deflated with dictionaryOne.
const (
	packedOne = "\x01"
	// packFrom is from how many bytes on it is worth it.
	packFrom = 512
	// unpackedMost bounds what a damaged document can become.
	unpackedMost = 4 << 20
)

// dictionaryOne is what nearly every document holds; packed ones refer to it. It may never change: a better one is a second one,
// with a mark of its own.
const dictionaryOne = `"warning":"","error":"","reason":"cancelled by a person","mode":"CRF","state":"failed","state":"skipped","state":"cancelled",` +
	`"generation":1,"root":"output","origin":"person","origin":"sweep","inode":,"retry_at":".flv","location":"/archive/` +
	`{"id":"","node":"nas-","path":"","origin":"bililiverecorder","room_id":,"short_id":,"name":"","title":"","area":"/","session_id":"-4",` +
	`"opened_at":"2026-","closed_at":"2026-","size_bytes":,"duration_seconds":,"state":"finished","flow_id":"default","flow_version":1,` +
	`"flow_key":"","run":1,"steps":[{"id":"transcode","type":"transcode","state":"done","run":1,"attempts":1,"started_at":"2026-` +
	`","ended_at":"2026-","output":{"path":"/录制-.mp4","size_bytes":,"seconds":}},` +
	`{"id":"upload","type":"upload","state":"done","run":1,"attempts":1,"started_at":"2026-","ended_at":"2026-` +
	`","output":{"path":"","location":"","size_bytes":,"sha256":""}},` +
	`{"id":"notify","type":"notify","state":"done","run":1,"attempts":1,"started_at":"2026-","ended_at":"2026-"}],` +
	`"created_at":"2026-","updated_at":"2026-"}`

func encodeRecording(r Recording) []byte {
	id := r.ID
	r.ID, r.Broadcast = "", "" // the key has the one, the room's timeline the other
	b, err := json.Marshal(r)
	if err != nil {
		panic("recording " + id + " does not go into JSON: " + err.Error())
	}
	if r.State.Over() && len(b) >= packFrom {
		return packed(b)
	}
	return b
}

func decodeRecording(id, doc string) (Recording, error) {
	r := Recording{ID: id}
	if doc == "" {
		return r, nil
	}
	plain, err := unpacked(doc)
	if err == nil {
		err = json.Unmarshal(plain, &r)
	}
	if err != nil {
		return r, fmt.Errorf("recording %s: what Redis holds of it is not readable: %w", id, err)
	}
	r.ID = id
	return r, nil
}

func packed(plain []byte) []byte {
	var out bytes.Buffer
	out.WriteString(packedOne)
	w, err := flate.NewWriterDict(&out, flate.BestCompression, []byte(dictionaryOne))
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("a document cannot be packed in memory: " + err.Error())
	}
	return out.Bytes()
}

var errTooLong = errors.New("it unpacks to more than any recording needs")

func unpacked(doc string) ([]byte, error) {
	deflated, isPacked := strings.CutPrefix(doc, packedOne)
	if !isPacked {
		return []byte(doc), nil
	}
	r := flate.NewReaderDict(strings.NewReader(deflated), []byte(dictionaryOne))
	plain, err := io.ReadAll(io.LimitReader(r, unpackedMost+1))
	if err != nil {
		return nil, fmt.Errorf("unpack it: %w", err)
	}
	if len(plain) > unpackedMost {
		return nil, errTooLong
	}
	return plain, nil
}
