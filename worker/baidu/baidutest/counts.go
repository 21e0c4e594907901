package baidutest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Call is one request that came in.
type Call struct {
	Endpoint, Host, Account string
	Part                    int // partseq, -1 for what is no slice
	Began, Ended            time.Time
	Status                  int // 0 when nothing was answered
	Code                    int // errno or error_code, 0 for success
	Bytes                   int64
}

// counts is what was sent here.
type counts struct {
	calls       []Call
	open        map[*call]int // index in calls
	bytes       int64
	refreshes   map[string]int
	maxInFlight map[string]int
	strangers   map[string]int
	plain       int
}

func newCounts() counts {
	return counts{open: map[*call]int{}, refreshes: map[string]int{}, maxInFlight: map[string]int{}, strangers: map[string]int{}}
}

func (n *counts) begin(c *call) {
	n.open[c] = len(n.calls)
	n.calls = append(n.calls, Call{Endpoint: c.endpoint, Host: c.host, Part: -1, Began: c.began})
	c.markPlain()
}

func (n *counts) end(c *call) {
	x := &n.calls[n.open[c]]
	delete(n.open, c)
	x.Ended, x.Part = time.Now(), c.part
	if !c.gone {
		x.Status = c.status
	}
	if c.account != nil {
		x.Account = c.account.Name
	}
	if c.outcome != nil {
		x.Code = c.outcome.code
	}
}

// payload notes bytes of a slice that reached us, kept or not.
func (n *counts) payload(c *call, size int64) {
	n.bytes += size
	n.calls[n.open[c]].Bytes += size
}

// Calls are the requests to an endpoint, all when it is empty, in the order they came.
func (s *Server) Calls(endpoint string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.counts.calls), func(c Call) bool { return endpoint != "" && c.Endpoint != endpoint })
}

// CallsFrom are the requests that came after the first n.
func (s *Server) CallsFrom(n int) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.counts.calls[min(n, len(s.counts.calls)):])
}

// Requests is how many there were to an endpoint, in all when it is empty.
func (s *Server) Requests(endpoint string) int { return len(s.Calls(endpoint)) }

// Forget begins counting anew.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.counts.open
	s.counts = newCounts()
	for c := range open {
		s.counts.begin(c)
	}
}

// Bytes is how much of slices reached us, repeats, refused and cut ones too.
func (s *Server) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts.bytes
}

// MaxInFlight is the most slices that the account had under way at once, without those that the script drips or hangs and those on a
// slow connection: whether a client has given these up cannot be seen.
func (s *Server) MaxInFlight(account string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts.maxInFlight[s.account(account).Name]
}

// Refreshes is how many pairs of tokens were given for a refresh token.
func (s *Server) Refreshes(account string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts.refreshes[s.account(account).Name]
}

// PlainSlices is how many slices came over plain http although there was https.
func (s *Server) PlainSlices() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts.plain
}

// Strangers are the hosts that somebody wanted to reach through the proxy and that are not ours.
func (s *Server) Strangers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.counts.strangers))
}

// File is a file as it is now.
type File struct {
	Account, Path string
	FSID, Size    int64
	Blocks        []string // md5s
	MD5, SHA256   string   // of the content, with KeepContent
	Content       []byte
	Visible       bool
}

// Files are all files of the account (the first when the name is empty), by path.
func (s *Server) Files(account string) []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(account)
	var all []File
	for _, p := range slices.Sorted(maps.Keys(a.files)) {
		if f := a.files[p]; !f.dir {
			all = append(all, File{
				a.Name, f.path, f.id, f.size, f.content.blocks, f.content.md5, f.content.sha256, f.content.bytes, !s.now().Before(f.visible),
			})
		}
	}
	return all
}

// Duplicates are paths of the account that hold the content of another.
func (s *Server) Duplicates(account string) []string {
	seen, twice := map[string]bool{}, []string(nil)
	for _, f := range s.Files(account) {
		key := strings.Join(f.Blocks, ",")
		if seen[key] {
			twice = append(twice, f.Path)
		}
		seen[key] = true
	}
	return twice
}

// OnlyFile fails the test unless the account holds exactly one file, at path, of these blocks.
func (s *Server) OnlyFile(tb testing.TB, account, path string, blocks []string) File {
	tb.Helper()
	files := s.Files(account)
	if len(files) != 1 || files[0].Path != path || !slices.Equal(files[0].Blocks, blocks) {
		tb.Fatalf("this Baidu should hold one file, %s, with %d blocks; it holds %d: %+v", path, len(blocks), len(files), brief(files))
	}
	return files[0]
}

func brief(files []File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
	}
	return names
}
