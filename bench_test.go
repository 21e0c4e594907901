//go:build bench

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// bench is one run of `make bench`. It measures the real binary with real
// redis-servers and a real ffmpeg on folders of its own, load comes from other
// processes on loopback, and everything ends with it.
type bench struct {
	binary string
	report report
}

// group is a set of figures that are measured together; BENCH=ingest,copy
// measures these alone.
type group struct {
	name    string
	measure func(t *testing.T, b *bench)
}

func groups() []group {
	return []group{
		{"ingest", measureIngest},
		{"dispatch", measureDispatch},
		{"idle", measureIdle},
		{"encode", measureEncode},
		{"copy", measureCopy},
		{"rooms", measureRooms},
		{"feed", measureFeed},
		{"backlog", measureBacklog},
		{"memory", measureMemory},
		{"sweep", measureSweep},
		{"baidu", measureBaiduWhole},
		{"baidulink", measureBaiduLink},
		{"baidufaults", measureBaiduFaults},
		{"recovery", measureRecovery},
	}
}

// rounds is how often each of two compared things is measured, in turn.
const rounds = 5

// TestBench measures and reports. A figure beyond its goal is a result, not a
// failure; a measurement that does not come about is one.
func TestBench(t *testing.T) {
	b := &bench{binary: filepath.Join("bin", "nglive")}
	wanted, err := chosen(os.Getenv("BENCH"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", b.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", b.binary, err, out)
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	before := loadAverage()
	for _, g := range wanted {
		t.Run(g.name, func(t *testing.T) { g.measure(t, b) })
	}
	fmt.Printf("\n%d processors, load average %s before and %s after, %s\n\n", runtime.NumCPU(), before, loadAverage(),
		time.Since(began).Round(time.Second))
	b.report.table(os.Stdout)
	b.report.lines(os.Stdout)
}

// chosen reads BENCH: names of groups, empty for all.
func chosen(names string) ([]group, error) {
	all := groups()
	if names == "" {
		return all, nil
	}
	var wanted []group
	var known []string
	for _, g := range all {
		known = append(known, g.name)
		if strings.Contains(","+names+",", ","+g.name+",") {
			wanted = append(wanted, g)
		}
	}
	if len(wanted) != len(strings.Split(names, ",")) {
		return nil, fmt.Errorf("BENCH=%s: choose from %s", names, strings.Join(known, ","))
	}
	return wanted, nil
}

// loadAverage says how busy the machine was: figures from a busy one are worth
// little.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
