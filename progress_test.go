package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

func progress(percent int) tasks.Event {
	return tasks.Event{CMD: tasks.IsTranscode, STEP: "transcode", COMP: &percent, BPS: 3 << 20, ETA: 65}
}

func TestLines_sayEveryTenthOnce(t *testing.T) {
	var out screen
	d := newDisplay(&out, 1)
	for _, percent := range []int{0, 3, 10, 11, 35, 34, 99, 100} {
		d.event("a.flv", progress(percent))
	}
	d.event("a.flv", tasks.Event{CMD: tasks.TranscodeEnded})
	d.close()
	want := []string{"10%", "35%", "99%", "100%", "done and checked"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("it said\n%s", &out)
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) || !strings.HasPrefix(lines[i], "a.flv: ") {
			t.Errorf("line %d is %q, want %q in it", i, lines[i], w)
		}
	}
	if !strings.Contains(lines[0], "3.0 MiB/s") || !strings.Contains(lines[0], "1m5s") {
		t.Errorf("no speed in %q", lines[0])
	}
}

func TestLines_keepRecordingsApart(t *testing.T) {
	var out screen
	d := newDisplay(&out, 2)
	d.event("a.flv", progress(50))
	d.event("b.flv", progress(50))
	if strings.Count(out.String(), "50%") != 2 {
		t.Errorf("it said\n%s", &out)
	}
}

func TestBar_showsTheStepAndLeavesTheScreen(t *testing.T) {
	var out screen
	d := &barDisplay{lines: lineDisplay{w: &out, quiet: true, shown: map[string]int{}}}
	d.event("a.flv", progress(42))
	if !strings.Contains(out.String(), "42%") || !strings.Contains(out.String(), "转码") {
		t.Errorf("it drew %q", &out)
	}
	d.event("a.flv", tasks.Event{CMD: tasks.UpStarted})
	if d.bar != nil || !strings.HasSuffix(out.String(), "a.flv: upload begins / 开始上传\n") {
		t.Errorf("it drew %q", &out)
	}
}

func TestInWords_saysWhyAStepWaits(t *testing.T) {
	var out screen
	newDisplay(&out, 1).event("a.flv", tasks.Event{CMD: tasks.StepHeld, STEP: "transcode", MSG: "the disk is full"})
	if !strings.Contains(out.String(), "the disk is full") || !regexp.MustCompile(`\p{Han}`).MatchString(out.String()) {
		t.Errorf("it said %s", &out)
	}
}
