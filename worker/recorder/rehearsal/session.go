package rehearsal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// session is one connection to the stream, with one file after another.
type session struct {
	room  *room
	id    string
	began time.Time
	cut   chan struct{} // the next file, please
	end   chan struct{}
	ended bool
	stats stats // guarded by the recorder's mutex
}

type stats struct {
	bytes, file int64
	fileMS      int64
	totalMS     int64
}

// startSession needs the recorder's mutex.
func (m *room) startSession() {
	r := m.recorder
	if m.session != nil || r.stopped || m.removed {
		return
	}
	s := &session{room: m, id: uuid.NewString(), began: time.Now(), cut: make(chan struct{}, 1), end: make(chan struct{})}
	m.session = s
	r.hooks.post("SessionStarted", sessionEvent{s.id, m.event()})
	r.sessions.Go(s.run)
}

// endSession needs the recorder's mutex; the session is over once its file is closed.
func (m *room) endSession() {
	if m.session != nil && !m.session.ended {
		m.session.ended = true
		close(m.session.end)
	}
}

func (s *session) run() {
	r, m := s.room.recorder, s.room
	for s.part() {
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m.session = nil
	if r.dead() {
		return
	}
	r.hooks.post("SessionEnded", sessionEvent{s.id, m.event()})
	if m.live && m.auto && m.thisTime { // the connection broke, the stream did not
		m.startSession()
	}
}

func (r *Recorder) dead() bool {
	select {
	case <-r.killed:
		return true
	default:
		return false
	}
}

// part writes one file; true when another one follows.
func (s *session) part() bool {
	r := s.room.recorder
	p, err := s.open()
	if err != nil {
		r.cfg.Say(fmt.Sprintf("[ERR] [%d] %v", s.room.known.RoomID, err))
		return false
	}
	again := p.film(s)
	if r.dead() {
		_ = p.file.Close()
		return false
	}
	p.close(s)
	return again
}

// part is a file that grows.
type part struct {
	file       *os.File
	path       string
	event      fileEvent
	opened     time.Time
	durationAt int64
	reel       *reel
	size       int64
}

func (s *session) open() (*part, error) {
	r := s.room.recorder
	r.mu.Lock()
	who, about := s.room.known, s.room.event()
	p := &part{opened: time.Now(), reel: &reel{film: r.film}}
	rel := fileName(who, p.opened)
	for slices.Contains(r.files, rel) { // a name is its millisecond's, and a recorder is not that quick
		p.opened = p.opened.Add(time.Millisecond)
		rel = fileName(who, p.opened)
	}
	r.files = append(r.files, rel)
	r.mu.Unlock()
	p.path = filepath.Join(r.cfg.Dir, filepath.FromSlash(rel))
	p.event = fileEvent{RelativePath: rel, FileOpenTime: stamp(p.opened), SessionID: s.id, common: about}
	r.hooks.post("FileOpening", p.event)                             // before there is a file
	if err := os.MkdirAll(filepath.Dir(p.path), 0o777); err != nil { //nolint:gosec // the user's umask decides
		return nil, err
	}
	var err error
	p.file, err = os.OpenFile(p.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	begin, at := r.film.opening(who, stamp(p.opened))
	p.durationAt = at
	if r.danmaku() {
		err = os.WriteFile(strings.TrimSuffix(p.path, ".flv")+".xml", danmakuBegin(who, p.opened), 0o666) //nolint:gosec // as above
	}
	return p, errors.Join(err, p.write(begin))
}

func (p *part) write(b []byte) error {
	n, err := p.file.Write(b)
	p.size += int64(n)
	return err
}

// film lets the file grow until somebody ends it; true when only this part is over.
func (p *part) film(s *session) bool {
	const frame = 25 * time.Millisecond
	r := s.room.recorder
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		if err := p.write(p.reel.until(time.Duration(float64(time.Since(p.opened)) * r.cfg.Speed))); err != nil {
			r.cfg.Say(fmt.Sprintf("[ERR] [%d] %v", p.event.RoomID, err))
			return false
		}
		r.mu.Lock()
		s.stats.file, s.stats.fileMS = p.size, int64(p.reel.last)
		r.mu.Unlock()
		select {
		case <-r.killed:
			return false
		case <-s.end:
			return false
		case <-s.cut:
			return true
		case <-tick.C:
		}
	}
}

// close finishes the files before it tells of them.
func (p *part) close(s *session) {
	r := s.room.recorder
	seconds := float64(p.reel.last) / 1000
	_, err := p.file.WriteAt(appendNumber(nil, seconds)[1:], p.durationAt)
	err = errors.Join(err, p.file.Close())
	if r.danmaku() {
		err = errors.Join(err, danmakuEnd(strings.TrimSuffix(p.path, ".flv")+".xml", seconds))
	}
	if err != nil {
		r.cfg.Say(fmt.Sprintf("[ERR] [%d] %v", p.event.RoomID, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stats.bytes += p.size
	s.stats.totalMS += int64(p.reel.last)
	e := p.event
	e.common = s.room.event()
	e.FileSize, e.Duration, e.FileCloseTime = &p.size, &seconds, stamp(time.Now())
	r.hooks.post("FileClosed", e)
	r.hooks.postV1(e)
}

// fileName follows the original's default template. On Linux it replaces only what no file name can hold.
func fileName(s Streamer, at time.Time) string {
	clean := strings.NewReplacer("/", "_", "\x00", "_").Replace
	room := strconv.FormatInt(s.RoomID, 10)
	when := strings.ReplaceAll(at.Format("20060102-150405.000"), ".", "-")
	return room + "-" + clean(s.Name) + "/录制-" + room + "-" + when + "-" + clean(s.Title) + ".flv"
}
