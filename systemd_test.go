package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const unitFolder = "deploy/systemd"

// checkedUnits copies the units to a folder where the program they start is
// this test binary: the checker wants one that exists.
func checkedUnits(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	units, err := os.ReadDir(unitFolder)
	if err != nil || len(units) < 3 {
		t.Fatalf("%d units in %s (%v)", len(units), unitFolder, err)
	}
	for _, unit := range units {
		content, err := os.ReadFile(filepath.Join(unitFolder, unit.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), "/usr/bin/nglive", program)
		if err := os.WriteFile(filepath.Join(dir, unit.Name()), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v (deploy/setup.sh test installs it)\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestSystemdUnits_areValid(t *testing.T) {
	t.Parallel()
	dir := checkedUnits(t)
	for _, unit := range []string{"nglive.target", "nglive-web.service", "nglive-worker.service"} {
		// What it only warns about (an unknown key) it prints and still exits 0.
		for line := range strings.Lines(systemdAnalyze(t, "verify", "--man=no", "--recursive-errors=no", filepath.Join(dir, unit))) {
			if strings.Contains(line, "nglive") {
				t.Errorf("%s: %s", unit, strings.TrimSpace(line))
			}
		}
	}
}

func TestSystemdUnits_areHardened(t *testing.T) {
	t.Parallel()
	const worst = 2.5
	dir := checkedUnits(t)
	for _, unit := range []string{"nglive-web.service", "nglive-worker.service"} {
		out := systemdAnalyze(t, "security", "--offline=true", "--no-pager", filepath.Join(dir, unit))
		found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("%s: no score in\n%s", unit, out)
		}
		if score, err := strconv.ParseFloat(found[1], 64); err != nil || score > worst {
			t.Errorf("%s scores %s, worse than %.1f", unit, found[1], worst)
		}
	}
}

// The folder name is the sub-command is the line in the Procfile is the unit.
func TestSystemdUnits_startWhatTheProcfileStarts(t *testing.T) {
	t.Parallel()
	procfile, err := os.ReadFile("Procfile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "web: bin/nglive web\nworker: bin/nglive worker\n"; string(procfile) != want {
		t.Errorf("the Procfile is %q, want %q", procfile, want)
	}
	for unit, lines := range map[string][]string{
		"nglive.target":      {"Wants=nglive-web.service nglive-worker.service", "WantedBy=multi-user.target"},
		"nglive-web.service": {"ExecStart=/usr/bin/nglive web", "Type=notify", "WatchdogSec=30s", "PartOf=nglive.target"},
		"nglive-worker.service": {
			"ExecStart=/usr/bin/nglive worker", "Type=notify", "WatchdogSec=30s", "PartOf=nglive.target",
			"KillMode=mixed", "TimeoutStopSec=2min", "OOMPolicy=continue", "Nice=10", "IOSchedulingClass=idle",
		},
	} {
		content, err := os.ReadFile(filepath.Join(unitFolder, unit))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains("\n"+string(content), "\n"+line+"\n") {
				t.Errorf("%s lacks the line %s", unit, line)
			}
		}
	}
}
