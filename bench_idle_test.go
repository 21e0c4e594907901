//go:build bench

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// measureIdle lets a real `nglive up` with nothing to do live for a minute,
// after the work of its start is over, and reads from /proc what it and its
// redis-server used of the processor, and how much memory `up` alone holds at
// the end. Nobody listens to the feed and no page is open.
func measureIdle(t *testing.T, b *bench) {
	t.Helper()
	const settle, watched = 20 * time.Second, 60 * time.Second
	up := b.open(t, "up")
	up.awaitWorker()
	<-time.After(settle)
	family := append(childrenOf(t, up.pid), up.pid)
	before, began := ticksOf(t, family), time.Now()
	<-time.After(watched)
	used := float64(ticksOf(t, family)-before) / 100 // USER_HZ is 100 on Linux
	b.report.add("idle_cpu", "idle `up` with its redis-server: CPU", "% of a core", atMost(3), single(100*used/time.Since(began).Seconds()))
	b.report.add("idle_memory", "… resident memory of `up` alone", "MB", atMost(45), single(procKB(t, up.pid, "status", "VmRSS:")/1000))
	b.report.note("… its share of it (PSS)", "MB", single(procKB(t, up.pid, "smaps_rollup", "Pss:")/1000))
	b.report.note("… of it its own (anonymous)", "MB", single(procKB(t, up.pid, "status", "RssAnon:")/1000))
}

// statOf reads the fields of /proc/<pid>/stat that follow the program's name.
func statOf(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])), nil
}

func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if fields, err := statOf(pid); err == nil && fields[1] == strconv.Itoa(parent) {
			children = append(children, pid)
		}
	}
	if len(children) != 1 {
		t.Fatalf("idle `up` has the children %v, want its redis-server alone", children)
	}
	return children
}

// ticksOf is the processor time of processes, in hundredths of a second.
func ticksOf(t *testing.T, pids []int) int64 {
	t.Helper()
	var sum int64
	for _, pid := range pids {
		fields, err := statOf(pid)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{11, 12} { // utime, stime
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// procKB reads one amount from a file of /proc/<pid>, in units of 1,000 bytes.
func procKB(t *testing.T, pid int, file, name string) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib * 1.024
		}
	}
	t.Fatalf("/proc/%d/%s has no %s", pid, file, name)
	return 0
}
