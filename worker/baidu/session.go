package baidu

import (
	"encoding/json"
	"time"
)

// session is what the journal keeps of an upload under way. It holds no secret.
type session struct {
	Version  int       `json:"version"`
	Path     string    `json:"path"` // where it goes; differs from the asked one after a rename
	Size     int64     `json:"size"`
	MTime    int64     `json:"mtime"`
	Inode    uint64    `json:"inode"`
	Head     string    `json:"head"` // md5 of the first 256 KiB
	Slice    int64     `json:"slice"`
	UploadID string    `json:"upload_id"`
	Host     string    `json:"host"`
	Opened   time.Time `json:"opened"` // by Baidu's clock
	RType    int       `json:"rtype"`
	Lazy     bool      `json:"lazy"`     // opened without the md5s
	Creating bool      `json:"creating"` // a create was sent; its answer may be lost
	Sums     []byte    `json:"sums"`     // md5 of each slice, 16 bytes each, zero: not known
	Done     []byte    `json:"done"`     // a bit for each slice that Baidu confirmed
}

const sessionVersion = 1

func newSession(src *source, path string, slice int64) *session {
	n := int((src.size + slice - 1) / slice)
	return &session{
		Version: sessionVersion, Path: path, Size: src.size, MTime: src.mtime.UnixNano(), Inode: src.inode, Head: src.head, Slice: slice,
		Sums: make([]byte, n*len(sum{})), Done: make([]byte, (n+7)/8),
	}
}

// readSession returns nil for what is no session of this file: then everything begins anew.
func readSession(doc []byte, src *source) *session {
	var s session
	if len(doc) == 0 || json.Unmarshal(doc, &s) != nil || s.Version != sessionVersion {
		return nil
	}
	same := s.Size == src.size && s.MTime == src.mtime.UnixNano() && s.Inode == src.inode && s.Head == src.head
	if !same || s.Slice < 4*mib || s.Path == "" || s.UploadID == "" {
		return nil
	}
	if n := int((s.Size + s.Slice - 1) / s.Slice); len(s.Sums) != n*len(sum{}) || len(s.Done) != (n+7)/8 {
		return nil
	}
	return &s
}

func (s *session) count() int        { return len(s.Sums) / len(sum{}) }
func (s *session) done(i int) bool   { return s.Done[i/8]&(1<<(i%8)) != 0 }
func (s *session) sum(i int) sum     { return sum(s.Sums[i*len(sum{}) : (i+1)*len(sum{})]) }
func (s *session) know(i int, v sum) { copy(s.Sums[i*len(v):], v[:]) }
func (s *session) confirm(i int)     { s.Done[i/8] |= 1 << (i % 8) }
func (s *session) forget(i int)      { s.Done[i/8] &^= 1 << (i % 8) }

func (s *session) sums() []sum {
	all := make([]sum, s.count())
	for i := range all {
		all[i] = s.sum(i)
	}
	return all
}

// allKnown: every slice's md5 is known.
func (s *session) allKnown() bool {
	for i := range s.count() {
		if !s.sum(i).known() {
			return false
		}
	}
	return true
}

// unconfirmed are the slices that are still to be sent.
func (s *session) unconfirmed() []int {
	var list []int
	for i := range s.count() {
		if !s.done(i) {
			list = append(list, i)
		}
	}
	return list
}
