package worker

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv"
)

// toldBy is what can be learned about a file that no recorder told of: from its own metadata, else from the header of the comments
// beside it, else from its path. What none of them says stays empty. It fails when the file is not the one that was looked at.
func toldBy(root *os.Root, f lookedAt) (tasks.Sighting, error) {
	s := tasks.Sighting{Path: filepath.FromSlash(f.rel), Origin: tasks.OriginSweep, Size: f.mark.size}
	file, err := root.OpenFile(s.Path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return s, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat() // of the open file: a network disk looks anew
	if err != nil {
		return s, err
	}
	if !info.Mode().IsRegular() || markOf(info, f.rel) != f.mark || !info.ModTime().Equal(f.mtime) {
		return s, errNotStill
	}
	s.Inode = knownInode(info)
	if head, err := flv.Peek(file, info.Size()); err == nil {
		fill(&s, head.Metadata.Recorder)
	}
	if comments, err := root.OpenFile(strings.TrimSuffix(s.Path, filepath.Ext(s.Path))+".xml", os.O_RDONLY|nonBlocking, 0); err == nil {
		if at, err := comments.Stat(); err == nil && at.Mode().IsRegular() {
			note, _ := flv.ReadDanmaku(comments)
			fill(&s, note)
		}
		_ = comments.Close()
	}
	fill(&s, noteInPath(f.rel))
	return s, nil
}

// fill adds what is not known yet.
func fill(s *tasks.Sighting, n flv.RecorderNote) {
	if s.RoomID != 0 && n.RoomID != 0 && s.RoomID != n.RoomID {
		return // of another room: a file that was moved, or comments of another one
	}
	s.RoomID, s.ShortID = cmp.Or(s.RoomID, n.RoomID), cmp.Or(s.ShortID, n.ShortID)
	s.Name, s.Title = cmp.Or(s.Name, clip(n.Name)), cmp.Or(s.Title, clip(n.StreamTitle))
	s.Area = cmp.Or(s.Area, clip(strings.Trim(n.AreaNameParent+"/"+n.AreaNameChild, "/")))
	if s.BeganAt.IsZero() {
		s.BeganAt = n.StartTime
	}
}

// noteInPath reads the recorder's own template: 23058-name/录制-23058-20210514-175250-123-title.flv. The time in it is the
// recorder's local one, and so is ours taken to be.
func noteInPath(rel string) flv.RecorderNote {
	var n flv.RecorderNote
	dir, base := path.Split(rel)
	file := regexp.MustCompile(`^录制-(\d{1,12})-(\d{8}-\d{6})(?:-(\d{3}))?-(.*)\.[^.]+$`).FindStringSubmatch(base)
	if file == nil {
		return n
	}
	n.RoomID, _ = strconv.ParseInt(file[1], 10, 64)
	n.StreamTitle = file[4]
	if at, err := time.ParseInLocation("20060102-150405", file[2], time.Local); err == nil {
		ms, _ := strconv.Atoi(file[3])
		n.StartTime = at.Add(time.Duration(ms) * time.Millisecond)
	}
	if name, ok := strings.CutPrefix(path.Base(dir), file[1]+"-"); ok {
		n.Name = name
	}
	return n
}

// device names the file for everybody on this machine.
func device(root *os.Root, rel string) (fileOnDisk, bool) {
	var info fs.FileInfo
	info, err := root.Lstat(filepath.FromSlash(rel))
	return onDisk(info, err)
}
