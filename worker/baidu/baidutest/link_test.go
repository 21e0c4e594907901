package baidutest_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// took is how long n slices of 4 MiB take, all at once, each on its own connection.
func took(t *testing.T, opts baidutest.Options, n int) time.Duration {
	t.Helper()
	opts.Hash = baidutest.HashOff
	s := baidutest.New(t, opts)
	u := oauthClient(t, s).newUpload(appPath, 0)
	u.content = make([]byte, int64(n)*4*mib)
	u.begin()
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if got := u.send(i); got.status != http.StatusOK {
				t.Errorf("slice %d: %d %s %v", i, got.status, got.body, got.err)
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// The tests below look at the least time only: a busy machine may always take longer.

func TestLink_capsEveryConnection(t *testing.T) {
	t.Parallel()
	if d := took(t, baidutest.Options{Shape: baidutest.Shape{PerConn: 8 * mib}}, 2); d < 400*time.Millisecond {
		t.Errorf("4 MiB at 8 MiB/s took %s", d)
	}
}

func TestLink_capsTheSum(t *testing.T) {
	t.Parallel()
	if d := took(t, baidutest.Options{Shape: baidutest.Shape{Total: 16 * mib}}, 3); d < 600*time.Millisecond {
		t.Errorf("12 MiB at 16 MiB/s took %s", d)
	}
}

func TestLink_hasARoundTrip(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Shape: baidutest.Shape{RTT: 200 * time.Millisecond}})
	c := oauthClient(t, s)
	began := time.Now()
	c.uinfo() // a connection and an answer
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("a first request took %s", d)
	}
}

func TestLink_someConnectionsAreSlow(t *testing.T) {
	t.Parallel()
	if d := took(t, baidutest.Options{Shape: baidutest.Shape{SlowOneIn: 1, SlowRate: 8 * mib}}, 1); d < 400*time.Millisecond {
		t.Errorf("4 MiB on a slow connection took %s", d)
	}
}

func TestLink_throttlesTheGreedy(t *testing.T) {
	t.Parallel()
	shape := baidutest.Shape{PerConn: 24 * mib, ThrottleAfter: mib, // slow enough to be under way together on a busy machine
		ThrottleRate: 6 * mib, ThrottleUnless: 1}
	if d := took(t, baidutest.Options{Shape: shape}, 3); d < 500*time.Millisecond {
		t.Errorf("12 MiB by three, throttled to 6 MiB/s each, took %s", d)
	}
}

func TestHash_offAnswersWhatWasDeclaredOrExpected(t *testing.T) {
	t.Parallel()
	for hash, computed := range map[baidutest.Hash][]int{baidutest.HashOn: {0, 1, 2}, baidutest.HashOff: {}, baidutest.HashSampled: {0}} {
		s := baidutest.New(t, baidutest.Options{Hash: hash})
		u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
		var got []int
		other := random(4*mib, 5)
		for n := range u.count() {
			if told := u.sendAs(u.query(n), other[:len(u.part(n))]).text("md5"); told != baidutest.MD5(u.part(n)) {
				got = append(got, n)
			}
		}
		if len(got) != len(computed) {
			t.Errorf("%s: computed %v, want %v", hash, got, computed)
		}
	}
	s := baidutest.New(t, baidutest.Options{Hash: baidutest.HashOff})
	u := cookieClient(t, s).newUpload(anyPath, 5*mib)
	u.precreateForm(q("path", anyPath, "autoinit", "1", "rtype", "2", "block_list", `["5910a591dd8fc18c32a8f3df4fdc1761"]`))
	u.c.locate()
	u.mustSend(0) // nobody told: computed
	s.Expect(anyPath, []string{baidutest.MD5(nil)})
	if got := u.send(0); got.text("md5") != baidutest.MD5(nil) {
		t.Errorf("%s", got.body)
	}
}
