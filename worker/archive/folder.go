// Package archive is the upload target that is a folder: a second disk, a USB disk, a NAS mount. It never shows half a file
// under a final name, never touches anything outside its folder, and never removes what others put there unless told to.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Folder brings files into one folder. It is safe for concurrent use; Puts of one name take turns.
type Folder struct {
	dir string

	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the Put of that name ends
	seen bool                     // the folder was there before

	proved map[string]proof // by name, until the first Check of it
}

// proof is a file that was read back from the disk, as it was before that reading, or right after it got its name.
type proof struct {
	info fs.FileInfo
	sum  string
	at   time.Time
}

// proofLasts is longer than a Check lets wait for itself, and too short for one that decides about the source.
const proofLasts = time.Minute

// New names the folder; nothing is touched before the first use. The first Put makes a missing dir, but only dir itself: a
// missing folder above it is taken for a disk that is not connected, and answered with class "tell". A dir that vanishes
// later is never made again (class "again"), so that an unmounted disk does not silently fill the disk below it. An empty
// mount point cannot be told from an empty disk: name a folder two levels inside the mount to be safe from that.
func New(dir string) *Folder {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute // otherwise the working directory is gone, and every use will say so
	}
	return &Folder{dir: dir, busy: map[string]chan struct{}{}, proved: map[string]proof{}}
}

// Put brings src under name. It goes on where an earlier Put of that name stopped, writes to a hidden part beside the final
// name, reads the part back from the disk and only then gives it its name. Content that is there already is read and
// compared, not written. A source that changes meanwhile is class "again"; one that is deleted meanwhile is still brought
// over whole, because then this copy is the only one. report gets the bytes done, the resumed ones first.
// The location is the absolute path, the sum the hex SHA-256; every error is an *Error.
func (f *Folder) Put(ctx context.Context, src *os.File, name string, replace bool, report func(done int64)) (location, sum string, err error) {
	sum, err = f.put(ctx, src, name, replace, report)
	if err != nil {
		return "", "", f.explain("archiving", name, err)
	}
	return f.path(name), sum, nil
}

func (f *Folder) put(ctx context.Context, src *os.File, name string, replace bool, report func(done int64)) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	release, err := f.claim(ctx, name)
	if err != nil {
		return "", err
	}
	defer release()
	root, err := f.openOrMake()
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }() // holds nothing written
	up, err := newUpload(root, src, name, report)
	if err != nil {
		return "", err
	}
	sum, err := up.run(ctx, replace)
	if err == nil {
		f.keepProof(name, proof{up.proved, sum, time.Now()})
	}
	return sum, err
}

// keepProof spares the Check that follows a Put another reading of what was read back a moment ago.
func (f *Folder) keepProof(name string, p proof) {
	if p.info == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.proved[name] = p
}

// isProved uses a proof up: it holds for the very file that it was taken of, untouched since, for one Check and not for long.
func (f *Folder) isProved(name string, now fs.FileInfo, size int64, sum string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.proved[name]
	delete(f.proved, name)
	return ok && time.Since(p.at) < proofLasts && strings.EqualFold(p.sum, sum) && now.Size() == size && untouched(p.info, now)
}

// untouched also looks at the time that nobody can set.
func untouched(before, now fs.FileInfo) bool {
	changed, known := changedAt(before)
	changedNow, _ := changedAt(now)
	return known && changed.Equal(changedNow) && os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// Check reads name back from the disk and compares; the first one after a Put of this process relies on what that read back, if the
// file was not touched since. A missing file is class "again" (a Put would mend it), other content is
// class "exists".
func (f *Folder) Check(ctx context.Context, name string, size int64, sum string) error {
	if err := f.check(ctx, name, size, sum); err != nil {
		return f.explain("checking", name, err)
	}
	return nil
}

func (f *Folder) check(ctx context.Context, name string, size int64, sum string) error {
	if err := checkName(name); err != nil {
		return err
	}
	root, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // holds nothing written
	file, err := openFinal(root, name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	if info, err := file.Stat(); err == nil && f.isProved(name, info, size, sum) {
		return nil
	}
	return prove(ctx, file, size, sum)
}

// claim waits for its turn among the Puts of one name in this process; lockPart keeps other processes out.
func (f *Folder) claim(ctx context.Context, name string) (release func(), err error) {
	for {
		f.mu.Lock()
		other, taken := f.busy[name]
		if !taken {
			mine := make(chan struct{})
			f.busy[name] = mine
			f.mu.Unlock()
			return func() { f.release(name, mine) }, nil
		}
		f.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *Folder) release(name string, mine chan struct{}) {
	f.mu.Lock()
	delete(f.busy, name)
	f.mu.Unlock()
	close(mine)
}

// open enters the folder anew for each use: a root kept open would pin the mount and miss a disk that was swapped.
func (f *Folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.seen = true
		return root, nil
	}
	if f.seen && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	if info, lookErr := os.Stat(f.dir); lookErr == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: %w", errNoFolder, err)
	}
	return nil, err
}

func (f *Folder) openOrMake() (*os.Root, error) {
	root, err := f.open()
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errGone) {
		return root, err
	}
	if err := os.Mkdir(f.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", errNoParent, err)
		}
		return nil, err
	}
	return f.open()
}

func (f *Folder) path(name string) string {
	return filepath.Join(f.dir, filepath.FromSlash(name))
}
