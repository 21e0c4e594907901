package tasks

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// TargetBaidu is Baidu Netdisk: "baidu" for the account of the settings, "baidu:<account>" for another one.
const TargetBaidu = "baidu"

// DefaultAccount is the account that "baidu" alone means.
const DefaultAccount = "default"

// BaiduAccount reads the account out of a target's name, and reports whether the target is Baidu Netdisk at all.
func BaiduAccount(target string) (account string, ok bool) {
	if target == TargetBaidu {
		return DefaultAccount, true
	}
	account, ok = strings.CutPrefix(target, TargetBaidu+":")
	return account, ok && AccountName(account)
}

// BaiduTarget is the target's name of an account.
func BaiduTarget(account string) string {
	if account == DefaultAccount {
		return TargetBaidu
	}
	return TargetBaidu + ":" + account
}

// AccountName reports whether a name can be an account's.
func AccountName(name string) bool { return nameRule().MatchString(name) }

// What an upload does when another file has its name.
const (
	ConflictRename    = "rename"
	ConflictOverwrite = "overwrite"
	ConflictFail      = "fail"
)

// What an upload does with a file that is larger than the target takes.
const (
	OversizeSplit  = "split"
	OversizeRefuse = "refuse"
)

// UploadWith is the `with` of an upload step.
type UploadWith struct {
	Target    string `json:"target,omitempty" doc:"Name of an upload target: archive, baidu, baidu:<account>"`
	Path      string `json:"path,omitempty" doc:"Template of the remote path: {room} {name} {title} {date} {time} {file} {stem} {ext} {id} {node}"`
	Conflict  string `json:"conflict,omitempty" doc:"When another file has the name: rename (default; -<id> is put behind it), overwrite, fail"`
	Oversize  string `json:"oversize,omitempty" doc:"When the target does not take a file that large: split (default; into parts that each play) or refuse"`
	Share     bool   `json:"share,omitempty" doc:"Make a share link after the upload (Baidu Netdisk, with a cookie)"`
	ShareDays *int   `json:"share_days,omitempty" doc:"How long the link is good, in days; 0 = for ever"`
}

// Upload reads the step's `with`; a wrong one was refused by Validate.
func (s Step) Upload() UploadWith { return decodeWith[UploadWith](s.With) }

// or fills in what the step leaves to the node.
func (w UploadWith) or(d Defaults) UploadWith {
	w.Target = cmp.Or(w.Target, d.Upload.Target)
	path := d.Upload.Path
	if _, baidu := BaiduAccount(w.Target); baidu {
		path = cmp.Or(d.BaiduPath, path)
	}
	w.Path = cmp.Or(w.Path, path)
	w.Conflict, w.Oversize = cmp.Or(w.Conflict, d.Upload.Conflict), cmp.Or(w.Oversize, d.Upload.Oversize)
	w.Share = w.Share || d.Upload.Share
	if w.Share {
		w.ShareDays = cmp.Or(w.ShareDays, d.Upload.ShareDays)
	}
	return w
}

// longestShare is what Baidu's own pages go up to, in days.
const longestShare = 365

func (c *stepCheck) upload(w UploadWith) {
	account, isBaidu := BaiduAccount(w.Target)
	if w.Target != "" && !isBaidu && !targetRule().MatchString(w.Target) {
		c.fault("with.target", "wants the name of a target, such as archive, baidu or baidu:<account>")
	}
	if strings.HasPrefix(w.Target, TargetBaidu+":") && account == "" {
		c.fault("with.target", "wants an account's name after baidu:")
	}
	if !slices.Contains([]string{"", ConflictRename, ConflictOverwrite, ConflictFail}, w.Conflict) {
		c.fault("with.conflict", "wants rename, overwrite or fail")
	}
	if !slices.Contains([]string{"", OversizeSplit, OversizeRefuse}, w.Oversize) {
		c.fault("with.oversize", "wants split or refuse")
	}
	if w.Share && w.Target != "" && !isBaidu {
		c.fault("with.share", "is for Baidu Netdisk alone")
	}
	if w.ShareDays != nil && (*w.ShareDays < 0 || *w.ShareDays > longestShare) {
		c.fault("with.share_days", "wants 0 (for ever) to 365")
	}
}

// targetRule leaves room for targets of later versions.
func targetRule() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`) }

// Share is a link that lets others fetch an upload.
type Share struct {
	Link      string    `json:"link"`
	Password  string    `json:"password,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Absent: good for ever"`
}
