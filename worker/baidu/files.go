package baidu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/url"
	"path"
	"strconv"
	"time"
)

// listed is a file in any of Baidu's answers.
type listed struct {
	FSID   number `json:"fs_id"`
	Path   text   `json:"path"`
	Name   text   `json:"server_filename"`
	Size   number `json:"size"`
	Dir    number `json:"isdir"`
	MD5    text   `json:"md5"`
	MTime  number `json:"local_mtime"`
	Blocks any    `json:"block_list"`
}

func (l *listed) file() File {
	f := File{FSID: int64(l.FSID), Path: string(l.Path), Name: string(l.Name), Size: int64(l.Size), Dir: l.Dir != 0, MD5: decodeMD5(string(l.MD5))}
	if l.MTime > 0 {
		f.LocalMTime = time.Unix(int64(l.MTime), 0)
	}
	if f.Name == "" {
		f.Name = path.Base(f.Path)
	}
	f.Blocks = blocksOf(l.Blocks)
	return f
}

// blocksOf reads a list of md5s, which comes as a list or as a text of JSON; anything else is none.
func blocksOf(given any) []string {
	if s, ok := given.(string); ok {
		var inner any
		if json.Unmarshal([]byte(s), &inner) != nil {
			return nil
		}
		given = inner
	}
	list, ok := given.([]any)
	if !ok {
		return nil
	}
	var blocks []string
	for _, v := range list {
		s, ok := v.(string)
		if _, isSum := parseSum(s); !ok || !isSum {
			return nil
		}
		blocks = append(blocks, s)
	}
	return blocks
}

const (
	pageSize  = 1000
	pagesMost = 100 // a folder of more files is not looked through further
)

// List is what a folder holds; none when it is not there.
func (c *Client) List(ctx context.Context, dir string) ([]File, error) {
	var all []File
	err := c.walk(ctx, dir, func(f File) bool { all = append(all, f); return true })
	return all, c.bare(ctx, err)
}

// walk shows a folder's files until see has seen enough.
func (c *Client) walk(ctx context.Context, dir string, see func(File) bool) error {
	for page := range pagesMost {
		var l struct {
			List []listed `json:"list"`
		}
		q := call{at: stepList, url: c.ends.Pan + "/rest/2.0/xpan/file", query: url.Values{
			"method": {"list"}, "dir": {dir}, "start": {strconv.Itoa(page * pageSize)}, "limit": {strconv.Itoa(pageSize)},
		}}
		if !c.byToken() {
			q.url, q.query = c.ends.Pan+"/api/list", url.Values{
				"dir": {dir}, "order": {"name"}, "desc": {"0"}, "clienttype": {"0"}, "num": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page + 1)},
			}
		}
		err := c.ask(ctx, q, &l)
		if f := failureOf(err); f != nil && f.do == absent {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range l.List {
			if !see(l.List[i].file()) {
				return nil
			}
		}
		if len(l.List) < pageSize {
			return nil
		}
	}
	return nil
}

// Stat looks a path up; ReasonMissing when nothing is there.
func (c *Client) Stat(ctx context.Context, remote string) (File, error) {
	f, ok, err := c.look(ctx, remote)
	if err == nil && !ok {
		err = c.problem(ReasonMissing, string(stepStat), nil).about("file", "“"+remote+"”")
	}
	return f, c.bare(ctx, err)
}

// look finds a path: by its meta with a cookie, in its folder's listing with a token.
func (c *Client) look(ctx context.Context, remote string) (found File, ok bool, err error) {
	if c.byToken() {
		name := path.Base(remote)
		err = c.walk(ctx, path.Dir(remote), func(f File) bool {
			if f.Path == remote || (f.Path == "" && f.Name == name) {
				found, ok = f, true
			}
			return !ok
		})
		return found, ok, err
	}
	return c.meta(ctx, remote)
}

func (c *Client) meta(ctx context.Context, remote string) (File, bool, error) {
	param, err := json.Marshal(map[string]any{"list": []any{map[string]string{"path": remote}}})
	if err != nil {
		return File{}, false, fmt.Errorf("ask for %s: %w", remote, err)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := errors.Join(w.WriteField("param", string(param)), w.Close()); err != nil {
		return File{}, false, fmt.Errorf("ask for %s: %w", remote, err)
	}
	var l struct {
		List []listed `json:"list"`
	}
	err = c.ask(ctx, call{
		at: stepStat, door: doorPCS, url: c.ends.PCS + "/rest/2.0/pcs/file", query: url.Values{"method": {"meta"}, "app_id": {appPCS}},
		kind: w.FormDataContentType(), body: body.Bytes(),
	}, &l)
	if f := failureOf(err); f != nil && f.do == absent {
		return File{}, false, nil
	}
	if err != nil || len(l.List) == 0 {
		return File{}, false, err
	}
	return l.List[0].file(), true, nil
}

// Verify proves that a path holds a file of this size and md5 (Result.MD5). An md5 that Baidu does not give counts as equal when
// the size is; an unequal one does not.
func (c *Client) Verify(ctx context.Context, remote string, size int64, md5 string) error {
	f, err := c.Stat(ctx, remote)
	if err != nil {
		return err
	}
	var why error
	switch {
	case f.Dir:
		why = errors.New("a folder has the name")
	case f.Size != size:
		why = fmt.Errorf("its size is %d, not %d", f.Size, size)
	case f.MD5 != "" && md5 != "" && f.MD5 != md5 && !sameBlocks(f, md5):
		why = errors.New("its md5 is another")
	default:
		return nil
	}
	return c.problem(ReasonDiffers, "verify the file", why).about("file", "“"+remote+"”")
}

// sameBlocks: the slices' own md5s, where Baidu gives them, decide what its md5 of the whole cannot.
func sameBlocks(f File, md5 string) bool {
	sums := make([]sum, len(f.Blocks))
	for i, b := range f.Blocks {
		s, ok := parseSum(b)
		if !ok {
			return false
		}
		sums[i] = s
	}
	return len(sums) > 0 && expectedMD5(sums) == md5
}
