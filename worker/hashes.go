package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

// hashes are what the netdisk will ask of an output, computed while it was fresh from ffmpeg and still in memory: hours later, when
// its upload's turn comes, the file need not be read for them once more. They lie beside the uploads under way, for as long as those.
type hashes struct{ kept baidu.Sessions }

// bringsToNetdisk reports whether a flow uploads there.
func bringsToNetdisk(flow tasks.Flow) bool {
	for _, s := range flow.Steps {
		if s.Type != tasks.StepUpload {
			continue
		}
		if _, ok := tasks.BaiduAccount(s.Upload().Target); ok {
			return true
		}
	}
	return false
}

// take reads a finished file that has a key and keeps its hashes.
func (h hashes) take(ctx context.Context, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	sums, err := baidu.Hash(ctx, f)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	return h.kept.Save(h.key(info), doc)
}

// of returns what is kept of this very file, nil when nothing is.
func (h hashes) of(info fs.FileInfo) *baidu.Hashes {
	key := h.key(info)
	if key == "" || h.kept == nil {
		return nil
	}
	doc, err := h.kept.Load(key)
	if err != nil || len(doc) == 0 {
		return nil
	}
	var kept baidu.Hashes
	if json.Unmarshal(doc, &kept) != nil {
		return nil
	}
	return &kept
}

// key names a file by what no rename changes; "" where files have no inodes.
func (h hashes) key(info fs.FileInfo) string {
	inode := knownInode(info)
	if inode == 0 {
		return ""
	}
	return fmt.Sprintf("hashes|%d|%d|%d", inode, info.Size(), info.ModTime().UnixNano())
}
