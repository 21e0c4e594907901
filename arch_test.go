package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/ngworks/nglive"

// goPackage is what go list tells of a package; Dir is relative to the module.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// mayImport is the house: main → web → handlers → tasks ← worker ← main. Nested
// packages are the parts of a parent and import none of ours; those named …test,
// and what lies below them, are support for tests.
func mayImport(from, to string) bool {
	room, parent := to, path.Dir(to)
	if parent != "." {
		room, _, _ = strings.Cut(to, "/")
	}
	switch {
	case from == ".":
		return !isSupport(to)
	case isSupport(from):
		return to == "tasks" || parent != "."
	case path.Dir(from) != "." || isSupport(to):
		return false
	}
	switch from {
	case "web":
		return slices.Contains([]string{"web", "handlers", "tasks"}, room)
	case "handlers":
		return slices.Contains([]string{"handlers", "tasks"}, room)
	case "worker":
		return slices.Contains([]string{"worker", "tasks"}, room)
	}
	return false
}

// testMayImport adds the support, and for a nested package all that its parent
// may use: a test may check that two parts agree.
func testMayImport(from, to string) bool {
	room, _, _ := strings.Cut(from, "/")
	return isSupport(to) || mayImport(room, to)
}

func isSupport(dir string) bool {
	return path.Dir(dir) != "." && (strings.HasSuffix(dir, "test") || strings.Contains(dir, "test/"))
}

// inHouse turns an import path into a folder of ours.
func inHouse(importPath string) (string, bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

// everyPackage tolerates those that do not compile: that is another test's news.
func everyPackage(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestHouse_importsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range everyPackage(t) {
		from, _ := inHouse(p.ImportPath)
		for _, imported := range p.Imports {
			if to, ours := inHouse(imported); ours && !mayImport(from, to) {
				t.Errorf("%s must not import %s: main → web → handlers → tasks ← worker ← main, and a nested package belongs to its parent", from, to)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if to, ours := inHouse(imported); ours && to != from && !testMayImport(from, to) {
				t.Errorf("the tests of %s must not import %s; what they may share are packages named …test", from, to)
			}
		}
	}
}

func TestHouse_topLevelIsFixed(t *testing.T) {
	t.Parallel()
	packages := everyPackage(t)
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	for _, p := range packages {
		dir, _ := inHouse(p.ImportPath)
		room, _, _ := strings.Cut(dir, "/")
		if !slices.Contains([]string{".", "handlers", "tasks", "worker", "web", "openapi"}, room) {
			t.Errorf("%s holds Go: the rooms of this house are handlers, tasks, worker, web and openapi", dir)
		}
	}
}

func TestHouse_rulesTellRightFromWrong(t *testing.T) {
	t.Parallel()
	for _, allowed := range [][2]string{
		{".", "web"},
		{".", "worker/ffmpeg"},
		{".", "openapi"},
		{"web", "handlers"},
		{"web", "tasks"},
		{"handlers", "tasks"},
		{"worker", "tasks"},
		{"worker", "worker/flv"},
		{"worker/flv/flvtest", "worker/flv"},
		{"tasks/taskstest", "tasks"},
	} {
		if !mayImport(allowed[0], allowed[1]) {
			t.Errorf("%s → %s is part of the design", allowed[0], allowed[1])
		}
	}
	for _, refused := range [][2]string{
		{"tasks", "worker"},
		{"tasks", "handlers"},
		{"handlers", "web"},
		{"handlers", "worker"},
		{"handlers", "worker/flv"},
		{"web", "worker"},
		{"web", "worker/ffmpeg"},
		{"worker", "web"},
		{"worker", "handlers"},
		{"worker/ffmpeg", "worker/flv"},
		{"worker/flv", "tasks"},
		{"worker/flv", "worker"},
		{"worker", "worker/flv/flvtest"},
		{".", "tasks/taskstest"},
		{"worker/targettest", "worker"},
		{"web", "."},
		{"openapi", "tasks"},
	} {
		if mayImport(refused[0], refused[1]) {
			t.Errorf("%s → %s must be refused", refused[0], refused[1])
		}
	}
	if !testMayImport("worker/ffmpeg", "worker/flv") || !testMayImport("web/ui", "tasks") || !testMayImport("worker", "worker/flv/flvtest") {
		t.Error("tests may check that two parts agree, and use the support")
	}
	if testMayImport("worker/ffmpeg", "web") || testMayImport("tasks", "worker") || testMayImport("web", "worker") {
		t.Error("tests may not cross the house either")
	}
}
