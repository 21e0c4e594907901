package worker

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// mark tells one file from every other, whatever it is called: a renamed file and a hard link keep theirs.
type mark struct {
	inode uint64
	size  int64
	mtime int64 // of tiny files only: their sizes are the same again and again, and inodes are given anew
}

// tiny files need more than inode and size to be told apart.
const tiny = 64 << 10

// markOf reads a file's mark. rel stands in for the inode where the system has none.
func markOf(info fs.FileInfo, rel string) mark {
	m := mark{inode: inodeOf(info, rel), size: info.Size()}
	if m.size < tiny {
		m.mtime = info.ModTime().UnixNano()
	}
	return m
}

func (m mark) key() []byte {
	b := binary.BigEndian.AppendUint64(nil, m.inode)
	b = binary.BigEndian.AppendUint64(b, uint64(m.size))     //nolint:gosec // bits are bits
	return binary.BigEndian.AppendUint64(b, uint64(m.mtime)) //nolint:gosec // bits are bits
}

func markFrom(key []byte) (mark, bool) {
	if len(key) != 24 {
		return mark{}, false
	}
	return mark{
		inode: binary.BigEndian.Uint64(key), size: int64(binary.BigEndian.Uint64(key[8:])), //nolint:gosec // bits are bits
		mtime: int64(binary.BigEndian.Uint64(key[16:])), //nolint:gosec // bits are bits
	}, true
}

// marks are the files whose recordings are known, in memory; the journal's bucket "files" is their home. A look at a folder of
// 100,000 known files asks nobody else.
type marks struct {
	mu sync.Mutex
	of map[mark][8]byte // the recording's id
}

// loadMarks reads what the journal remembers.
func loadMarks(j *journal) (*marks, error) {
	m := &marks{of: map[mark][8]byte{}}
	err := j.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("files")).ForEach(func(k, v []byte) error {
			if at, ok := markFrom(k); ok && len(v) == 8 {
				m.of[at] = [8]byte(v)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("journal: read known files: %w", err)
	}
	return m, nil
}

func (m *marks) known(f mark) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.of[f]
	return ok
}

func (m *marks) add(more map[mark][8]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.of, more)
}

func (m *marks) drop(gone []mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range gone {
		delete(m.of, f)
	}
}

// copied returns the marks by recording, for a look that takes its time.
func (m *marks) copied() map[[8]byte][]mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[[8]byte][]mark, len(m.of))
	for f, id := range m.of {
		out[id] = append(out[id], f)
	}
	return out
}

// remember puts marks and letters on disk together: a file that is told of is known from then on, and one that is not told is not.
func (j *journal) remember(more map[mark][8]byte, letters ...letter) error {
	tasks.Failpoint("journal.files.before")
	defer tasks.Failpoint("journal.files.after")
	err := j.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("files"))
		for f, id := range more {
			if err := b.Put(f.key(), id[:]); err != nil {
				return err
			}
		}
		return post(tx, letters)
	})
	if err != nil {
		return fmt.Errorf("journal: remember files: %w", err)
	}
	if len(letters) > 0 {
		j.ring()
	}
	return nil
}

// unmark forgets files whose recordings are gone.
func (j *journal) unmark(gone []mark) error {
	const at = 10_000
	tasks.Failpoint("journal.unmark.before")
	defer tasks.Failpoint("journal.unmark.after")
	for some := range slices.Chunk(gone, at) {
		err := j.update(func(tx *bbolt.Tx) error {
			for _, f := range some {
				if err := tx.Bucket([]byte("files")).Delete(f.key()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("journal: forget files: %w", err)
		}
	}
	return nil
}
