package baidu

import "time"

// Conflict says what happens when other content has the name already.
type Conflict int

const (
	// ConflictFail leaves it alone: an error of Class "exists".
	ConflictFail Conflict = iota
	// ConflictRename lets Baidu give another name; Result.Path says which.
	ConflictRename
	// ConflictReplace puts the new content in its place.
	ConflictReplace
)

// Hashes are what somebody computed while the file was written, so that it need not be read for them. Wrong ones cost time,
// never the file: every slice is compared.
type Hashes struct {
	ContentMD5 string   // of the whole file, for rapid upload; empty: not known
	BlockSize  int64    // of Blocks; used when the upload's slices have this size
	Blocks     []string // md5 of each block in order
}

// Progress is where an upload stands. Done never goes back.
type Progress struct {
	Done, Total int64
	BPS         int64         // bytes a second, of the last seconds
	ETA         time.Duration // 0: not known
}

// Options of an upload.
type Options struct {
	Conflict Conflict
	Hashes   *Hashes
	Report   func(Progress) // at most about twice a second; nil: nobody listens
}

// Result is a file that is there and was proved.
type Result struct {
	FSID int64
	Path string // the final one; differs from the asked one after a rename
	Size int64
	// MD5 is what Verify compares: when Confirmed, the md5 of the content if it is one slice, else of the list of the slices' md5s
	// as Baidu was told it; when not, what Baidu says, so that a later change shows.
	MD5 string
	// Confirmed: Baidu's own md5 said the same. Else size and every single slice were proved, but what Baidu says of the whole follows another rule.
	Confirmed bool
	Rapid     bool  // Baidu had the content; nothing was sent
	Standing  bool  // the same content was there under this name; nothing was sent
	Sent      int64 // bytes of slices sent by this call, repeated ones included
}

// File is what Baidu tells of a file or folder.
type File struct {
	FSID       int64
	Path       string
	Name       string
	Size       int64
	Dir        bool
	MD5        string // decoded; empty when it was not given
	LocalMTime time.Time
	Blocks     []string // md5 of each slice; by cookie only
}

// User is an account's holder.
type User struct {
	Name string
	UK   int64
	Tier Tier
}

// Tier is the membership: 0 normal (普通用户), 1 member (会员), 2 SVIP (超级会员).
type Tier int

// Quota is an account's room, in bytes.
type Quota struct{ Total, Used int64 }

// Free is what is left.
func (q Quota) Free() int64 { return max(q.Total-q.Used, 0) }

// Link is a share link.
type Link struct {
	ID      string // Baidu's share id
	URL     string // with the password in it (?pwd=), as Baidu's own page makes it
	Pwd     string
	Expires time.Time // zero: never
}

// DeviceCode is what a person needs to authorise this program.
type DeviceCode struct {
	UserCode  string
	URL       string // where the code is typed in
	QRCodeURL string // a picture at Baidu; the text to encode oneself is ScanURL
	ScanURL   string // the page with the code filled in
	ExpiresAt time.Time
	Interval  time.Duration
	code      string
}
