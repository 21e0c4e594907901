//go:build bench

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// The files that are uploaded, in bytes, and the link: 40 ms round trip, 8 MB/s a connection, 32 MB/s in all, 1 % of connections
// at 16 KB/s.
const (
	baiduWhole  = 2 << 30
	baiduShaped = 1 << 30
	baiduSlow   = 300 << 20
	baiduLink   = 32_000_000
	baiduRounds = 3
)

func baiduShape() baidutest.Shape {
	return baidutest.Shape{PerConn: 8_000_000, Total: baiduLink, RTT: 40 * time.Millisecond, SlowOneIn: 100, SlowRate: 16 << 10}
}

// measureBaiduLink measures how much of a shaped link is used.
func measureBaiduLink(t *testing.T, b *bench) {
	t.Helper()
	for _, by := range []string{"oauth", "cookie"} {
		measureBaiduShaped(t, b, by)
	}
	file := sparse(t, baiduShaped)
	warm(t, file)
	fake := baiduFake(t, file, baidutest.Options{Hash: baidutest.HashOff, Shape: baiduShape()})
	defer fake.Close()
	b.report.note("share that the bare client uses, in this run", "", single(baiduShaped/uploader(t, orderAt(fake, "bare", file)).Seconds/baiduLink))
}

// measureBaiduFaults measures what a slow slice and a kill cost.
func measureBaiduFaults(t *testing.T, b *bench) {
	t.Helper()
	for _, by := range []string{"oauth", "cookie"} {
		measureBaiduSlow(t, b, by)
		measureBaiduKill(t, b, by)
	}
}

// measureBaiduWhole compares an upload with the sum of a bare client that posts the same slices, 4 at a time, and a bare pass that
// hashes them on all cores, in turn. The Baidu on loopback hashes nothing; the client and what it is compared with run in processes of
// their own; the file lies in the page cache.
func measureBaiduWhole(t *testing.T, b *bench) {
	t.Helper()
	file := sparse(t, baiduWhole)
	var bare, hash []float64
	ours, memory := map[string][]float64{}, map[string][]float64{}
	for range baiduRounds {
		warm(t, file)
		hash = append(hash, uploader(t, uploadOrder{Kind: "hash", File: file}).Seconds)
		fake := baiduFake(t, file, baidutest.Options{Hash: baidutest.HashOff})
		bare = append(bare, uploader(t, orderAt(fake, "bare", file)).Seconds)
		fake.Close()
		for _, by := range []string{"oauth", "cookie"} {
			fake := baiduFake(t, file, baidutest.Options{Hash: baidutest.HashOff})
			r := uploader(t, orderAt(fake, by, file))
			fake.Close()
			ours[by], memory[by] = append(ours[by], r.Seconds), append(memory[by], r.PeakMB)
		}
	}
	sum := make([]float64, baiduRounds)
	for i := range sum {
		sum[i] = bare[i] + hash[i]
	}
	for _, by := range []string{"oauth", "cookie"} {
		b.report.add("baidu_"+by+"_ratio", "Baidu: 2 GiB by "+by+", against a bare client and a bare hashing pass", "×", atMost(1.1), compared(ours[by], sum, ratio))
		b.report.note("ours", "s", middle(ours[by]))
		b.report.add("baidu_"+by+"_memory", "Baidu: peak memory above idle meanwhile, 4 slices in flight", "MB", atMost(24), middle(memory[by]))
	}
	b.report.note("the bare client", "s", middle(bare))
	b.report.note("the bare hashing pass", "s", middle(hash))
}

func measureBaiduShaped(t *testing.T, b *bench, by string) {
	t.Helper()
	file := sparse(t, baiduShaped)
	warm(t, file)
	fake := baiduFake(t, file, baidutest.Options{Hash: baidutest.HashOff, Shape: baiduShape()})
	defer fake.Close()
	order := orderAt(fake, by, file)
	order.Adaptive = true
	took := uploader(t, order).Seconds
	b.report.add("baidu_"+by+"_link", "Baidu: share of a shaped link that 1 GiB by "+by+" uses", "", atLeast(0.9), single(baiduShaped/took/baiduLink))
	b.report.note("sent for it", "MB", single(float64(fake.Bytes())/1e6))
	b.report.note("connections at once, at most", "", single(float64(fake.MaxInFlight(""))))
}

// measureBaiduSlow compares 300 MiB with one slice that the network takes at 16 KB/s with the same without.
func measureBaiduSlow(t *testing.T, b *bench, by string) {
	t.Helper()
	file := sparse(t, baiduSlow)
	var clean, slow, extra []float64
	for range baiduRounds {
		warm(t, file)
		for _, times := range []*[]float64{&clean, &slow} {
			o := baidutest.Options{}
			if times == &slow {
				o.Faults = []baidutest.Rule{{Endpoint: baidutest.SuperFile2, Parts: []int{40}, Times: 1, Action: baidutest.Drip, Rate: 16 << 10}}
			}
			fake := baiduFake(t, file, o)
			*times = append(*times, uploader(t, orderAt(fake, by, file)).Seconds)
			extra = append(extra, 100*(float64(fake.Bytes())/baiduSlow-1))
			fake.Close()
		}
	}
	b.report.add("baidu_"+by+"_slow_slice", "Baidu: 300 MiB by "+by+" with one slice at 16 KB/s, against without", "×", atMost(2), compared(slow, clean, ratio))
	b.report.note("bytes sent twice", "%", middle(extra))
}

// measureBaiduKill kills the uploading process at 50 % and starts it again.
func measureBaiduKill(t *testing.T, b *bench, by string) {
	t.Helper()
	const inFlight = 4
	file := sparse(t, baiduSlow)
	fake := baiduFake(t, file, baidutest.Options{})
	defer fake.Close()
	order := orderAt(fake, by, file)
	order.Sessions, order.Rate = t.TempDir(), 100_000_000
	cmd, _ := startUploader(t, order)
	until(t, ready, "half of the file is at Baidu", func() bool { return fake.Bytes() >= baiduSlow/2 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	uploader(t, order)
	if n := len(fake.Files("")); n != 1 {
		t.Fatalf("%d files are there after the kill", n)
	}
	over := float64(fake.Bytes()-baiduSlow) / (4 << 20)
	b.report.add("baidu_"+by+"_kill", "Baidu: slices sent beyond the file when killed at 50 % and started again, by "+by, "", atMost(inFlight), single(over))
}

// sparse makes a file whose blocks differ and which needs no room on the disk.
func sparse(t *testing.T, size int64) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "video.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	var word [8]byte
	for at := int64(0); at < size; at += 1 << 20 {
		binary.LittleEndian.PutUint64(word[:], uint64(at)+1)
		if _, err := f.WriteAt(word[:], at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// baiduFake is a Baidu that knows the slices' md5s, so that it need not compute them.
func baiduFake(t *testing.T, file string, o baidutest.Options) *baidutest.Server {
	t.Helper()
	fake, err := baidutest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	if o.Hash == baidutest.HashOff {
		sums, err := bareHashes(file)
		if err != nil {
			t.Fatal(err)
		}
		fake.Expect(baiduRemote, sums)
	}
	return fake
}

func orderAt(fake *baidutest.Server, kind, file string) uploadOrder {
	u := fake.URLs()
	return uploadOrder{Kind: kind, File: file, Endpoints: baidu.Endpoints{Pan: u.Pan, PCS: u.PCS, OpenAPI: u.OpenAPI}, Host: u.Hosts[0]}
}

// uploader lets a process of its own do the order, and waits for it.
func uploader(t *testing.T, order uploadOrder) uploadReport {
	t.Helper()
	cmd, answers := startUploader(t, order)
	var r uploadReport
	if err := answers.Decode(&r); err != nil || r.Failure != "" {
		t.Fatalf("%s: %v %s", order.Kind, err, r.Failure)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v", order.Kind, err)
	}
	return r
}

func startUploader(t *testing.T, order uploadOrder) (*exec.Cmd, *json.Decoder) {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildOfBench$", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), benchRole+"=uploader", fmt.Sprintf("%s=%s", uploadOrderEnv, text))
	answers, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &screen{}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles, cmd.WaitDelay = said, said, []*os.File{out}, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	t.Cleanup(func() { _ = answers.Close() })
	return cmd, json.NewDecoder(answers)
}
