package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Classes of an Error.
const (
	classAgain  = "again"
	classNever  = "never"
	classSpace  = "space"
	classExists = "exists"
	classTell   = "tell"
)

var (
	errName     = errors.New("this is no name for a file in the archive")
	errNoParent = errors.New("the archive folder is missing, and so is the folder above it")
	errNoFolder = errors.New("the archive folder is no folder")
	errGone     = errors.New("the archive folder has vanished")
	errChanged  = errors.New("the source changed while it was copied")
	errSource   = errors.New("the source cannot be read")
	errNoFile   = errors.New("the source is no ordinary file")
	errExists   = errors.New("a file with this name and other content is there")
	errInTheWay = errors.New("something that is no ordinary file has this name")
	errMissing  = errors.New("no file with this name is there")
	errDiffers  = errors.New("the file there is not what was sent")
	errMisread  = errors.New("what the disk gives back is not what was written")
	errBusy     = errors.New("another process is copying to this name")
)

// Error is every error that this package returns.
type Error struct {
	class   string
	message string
	tried   string
	cause   error
}

// Class says what becomes of the upload: "again" (back-off), "never" (cannot succeed), "space" (hold until there is room),
// "exists" (other content has the name) or "tell" (a person must act).
func (e *Error) Class() string { return e.class }

// Away says that the folder vanished, or is missing with the folder above it: its disk is not connected, and all uploads wait for that.
func (e *Error) Away() bool { return errors.Is(e.cause, errNoParent) || errors.Is(e.cause, errGone) }

// UserMessage says which file, what happened and what to do, for people who do not program.
func (e *Error) UserMessage() string { return e.message }

func (e *Error) Error() string { return e.tried + ": " + e.cause.Error() }

func (e *Error) Unwrap() error { return e.cause }

// explain gives err its class and its words.
func (f *Folder) explain(doing, name string, err error) *Error {
	class, words := judge(err)
	words = strings.NewReplacer("{file}", "“"+name+"”", "{folder}", f.dir, "{path}", f.path(name)).Replace(words)
	return &Error{class: class, message: words, tried: fmt.Sprintf("%s %q in %s", doing, name, f.dir), cause: err}
}

// judge is the table of everything that goes wrong, ours first because ours wrap the system's.
func judge(err error) (class, words string) {
	for _, row := range ourVerdicts() {
		if errors.Is(err, row.err) {
			return row.class, row.words
		}
	}
	switch {
	case isFull(err):
		return classSpace, "The disk of {folder} has no room for {file}. Make room there; the copy goes on by itself from where it stopped."
	case errors.Is(err, syscall.EFBIG):
		return classTell, "The disk of {folder} cannot hold a file as large as {file}. It is probably formatted as FAT32, which ends at 4 GB: format it as exFAT, NTFS or ext4, or archive to another disk."
	case errors.Is(err, syscall.EROFS):
		return classTell, "{file} was not archived: the disk of {folder} is read-only. Mount it with writing allowed (a disk with errors may have switched itself; check it first)."
	case errors.Is(err, fs.ErrPermission):
		return classTell, "{file} was not archived: this program may not write to {path}. Give its user the right to write in {folder}."
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return classTell, "{file} was not archived: on the way to {path} a file stands where a folder should be, or the other way round. Move it or rename it."
	case leadsOut(err):
		return classTell, "{file} was not archived: a link on the way to {path} leads out of {folder}. Replace the link by a real folder."
	case errors.Is(err, syscall.ENAMETOOLONG):
		return classNever, "{file} was not archived: the name is too long for the disk of {folder}. Use a shorter name."
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EILSEQ):
		return classNever, "{file} was not archived: the disk of {folder} does not accept this name. Use a name without characters such as : * ? \" < > |"
	}
	return classAgain, "{file} was not archived: {folder} could not be used. If this stays so, check that the disk or the network drive is connected and healthy. The copy goes on by itself."
}

type verdict struct {
	err   error
	class string
	words string
}

func ourVerdicts() []verdict {
	return []verdict{
		{context.Canceled, classAgain, "Archiving {file} was stopped. The next try goes on from there."},
		{context.DeadlineExceeded, classAgain, "Archiving {file} took longer than allowed. The next try goes on from there."},
		{errName, classNever, "{file} cannot be archived: this is no usable name for a file in {folder}. Change the name."},
		{errNoFile, classNever, "{file} cannot be archived: the source is a folder or a device, not a file. Choose a file."},
		{errNoParent, classTell, "{file} was not archived: neither {folder} nor the folder above it is there. Connect or mount the disk, or correct the archive folder in the settings."},
		{errNoFolder, classTell, "{file} was not archived: {folder} is a file, not a folder. Move it, or correct the archive folder in the settings."},
		{errGone, classAgain, "{file} was not archived: {folder} has vanished. Connect or mount its disk again; the copy goes on by itself."},
		{errChanged, classAgain, "{file} was still being written while it was copied. It is tried again; nothing has to be done."},
		{errSource, classAgain, "{file} was not archived: the original could not be read. If this stays so, check the disk it is on."},
		{errExists, classExists, "{file} was not archived: another file is already at {path}. Move or rename that one, or choose to replace it."},
		{errInTheWay, classTell, "{file} was not archived: a folder or a link is already at {path}. Move it or rename it."},
		{errMissing, classAgain, "{file} is not at {path}. Archive it again."},
		{errDiffers, classExists, "The file at {path} is not the one that was archived. Do not delete the original; move that file away and archive again."},
		{errMisread, classAgain, "{file} came back from the disk of {folder} other than it was written. It is copied anew; if this happens again, check that disk and its cable."},
		{errBusy, classAgain, "Another program is copying to {path} right now. It is tried again; nothing has to be done."},
	}
}

// leadsOut recognises os.Root's refusal, for which the standard library exports no error value, and chains of links.
func leadsOut(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return errors.Is(err, syscall.ELOOP) || (ok && strings.Contains(path.Err.Error(), "escapes"))
}
