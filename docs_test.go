package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents are all that this project writes for people.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("no documents at %s: %v", pattern, err)
		}
		all = append(all, some...)
	}
	return all
}

// constants are the string constants of a file of tasks: those of a type, or the untyped ones.
func constants(t *testing.T, file, kind string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || kindOf(spec.Type) != kind {
			return true
		}
		if text, ok := spec.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
			value, _ := strconv.Unquote(text.Value)
			values = append(values, value)
		}
		return true
	})
	if len(values) < 9 {
		t.Fatalf("%s has only %d constants of type %q; were they moved?", file, len(values), kind)
	}
	return values
}

func kindOf(e ast.Expr) string {
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func TestDocs_nameEveryStateAndEvent(t *testing.T) {
	t.Parallel()
	cmds := constants(t, "tasks/event.go", "")
	states := constants(t, "tasks/recording.go", "State")
	steps := constants(t, "tasks/recording.go", "StepState")
	for file, names := range map[string][]string{
		"ARCHITECTURE.md":      slices.Concat(cmds, states, steps),
		"docs/events.md":       slices.Concat(cmds, states),
		"docs/events.zh-CN.md": slices.Concat(cmds, states),
	} {
		text := document(t, file)
		for _, name := range names {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s does not explain `%s`", file, name)
			}
		}
	}
}

// arrow is a line of a state diagram: from, to, and the events that are told on the way.
type arrow struct{ from, to string }

type arrows map[arrow]map[string]bool

func (a arrows) add(from, to string, cmds ...string) {
	if a[arrow{from, to}] == nil {
		a[arrow{from, to}] = map[string]bool{}
	}
	for _, c := range cmds {
		a[arrow{from, to}][c] = true
	}
}

func (a arrows) lines() []string {
	var lines []string
	for x, cmds := range a {
		label := strings.Join(slices.Sorted(maps.Keys(cmds)), " ")
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s --> %s : %s", x.from, x.to, label), " : "))
	}
	slices.Sort(lines)
	return lines
}

// drawn reads the n-th state diagram of ARCHITECTURE.md.
func drawn(t *testing.T, n int) []string {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```mermaid\nstateDiagram-v2\n(.*?)```").FindAllStringSubmatch(document(t, "ARCHITECTURE.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("ARCHITECTURE.md has %d state diagrams, want that of a recording and that of a step", len(blocks))
	}
	a := arrows{}
	for line := range strings.Lines(blocks[n][1]) {
		path, label, _ := strings.Cut(strings.TrimSpace(line), " : ")
		if from, to, ok := strings.Cut(path, " --> "); ok {
			a.add(from, to, strings.Fields(label)...)
		}
	}
	return a.lines()
}

// explorer walks through everything that Follow can do to a recording, and notes each change of a state.
type explorer struct {
	flow              tasks.Flow
	seen              map[string]bool
	recordings, steps arrows
}

const nowhere = "[*]"

func (x *explorer) from(r tasks.Recording) {
	key := string(r.State)
	for _, s := range r.Steps {
		key += "," + string(s.State)
	}
	if x.seen[key] || r.Run > 3 {
		return
	}
	x.seen[key] = true
	for _, fact := range x.facts(r) {
		after, events, changed := tasks.Follow(r, x.flow, fact)
		if changed {
			before := r
			if fact.Kind == tasks.PersonRuns {
				before.Steps = nil // laid out anew
			}
			x.note(before, after, events)
			x.from(after)
		}
	}
}

// short is how the diagrams write the events of a step's four types: …Started, …Ended, …Error.
func short(cmd string) string {
	return regexp.MustCompile(`^(Transcode|Up|Notify|Delete)(Started|Ended|Error)$`).ReplaceAllString(cmd, "…$2")
}

// facts are all that could be told about the recording now. A worker says that a step began before it says how that went, and
// the diagrams leave out a dead letter that is run again while a later step is at work.
func (x *explorer) facts(r tasks.Recording) []tasks.Fact {
	kinds := []tasks.FactKind{tasks.FileWasOpened, tasks.FileWasClosed, tasks.FileWasFound, tasks.FileVanished, tasks.FilesWereTrashed, tasks.TrashWasEmptied, tasks.PersonRetries, tasks.PersonRuns, tasks.PersonCancels}
	var all []tasks.Fact
	for _, kind := range kinds {
		all = append(all, tasks.Fact{Kind: kind})
	}
	for _, s := range r.Steps {
		told := []tasks.FactKind{tasks.StepBegan, tasks.StepWaits, tasks.StepGaveUp, tasks.StepStopped}
		if s.State == tasks.StepRunning {
			told = append(told, tasks.StepFailsNow, tasks.StepSucceeded, tasks.StepPassed, tasks.StepRequeued)
		}
		if r.State.Over() {
			told = append(told, tasks.StepRevived)
		}
		for _, kind := range told {
			all = append(all, tasks.Fact{Kind: kind, Step: s.ID, Run: s.Run}, tasks.Fact{Kind: kind, Step: s.ID, Run: s.Run, Gone: true})
		}
	}
	for i := range all {
		all[i].ID, all[i].Recording, all[i].At = "fact", "0123456789abcdef", time.Now()
	}
	return all
}

func (x *explorer) note(before, after tasks.Recording, events []tasks.Event) {
	var cmds []string
	for _, e := range events {
		cmds = append(cmds, short(e.CMD))
	}
	if before.State != after.State {
		from := string(before.State)
		if from == "" {
			from = nowhere
		}
		x.recordings.add(from, string(after.State), cmds...)
	}
	for _, s := range after.Steps {
		from := nowhere
		if was := before.Step(s.ID); was != nil {
			from = string(was.State)
		}
		if from != string(s.State) {
			x.steps.add(from, string(s.State), cmds...)
		}
	}
}

// explored are the two diagrams as they should be.
func explored() (recordings, steps []string) {
	x := explorer{recordings: arrows{}, steps: arrows{}}
	for _, onError := range []string{"stop", "continue"} {
		for _, kinds := range [][]string{{}, {tasks.StepTranscode, tasks.StepUpload}, {tasks.StepNotify, tasks.StepDelete}, {tasks.StepUpload, tasks.StepDelete}} {
			x.flow, x.seen = tasks.Flow{ID: "f", Steps: []tasks.Step{}}, map[string]bool{}
			for _, kind := range kinds {
				x.flow.Steps = append(x.flow.Steps, tasks.Step{ID: kind, Type: kind, OnError: onError})
			}
			x.from(tasks.Recording{})
			x.from(tasks.Recording{State: tasks.Found})
			x.from(tasks.Recording{State: tasks.Skipped})
		}
	}
	return x.recordings.lines(), x.steps.lines()
}

func TestDocs_drawTheStatesAsTheyAre(t *testing.T) {
	t.Parallel()
	recordings, steps := explored()
	for n, want := range [][]string{recordings, steps} {
		if got := drawn(t, n); !slices.Equal(got, want) {
			t.Errorf("state diagram %d of ARCHITECTURE.md shows\n  %s\nand the code does\n  %s", n+1, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

func TestDocs_nameOnlySettingsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range (Config{}).Redacted() {
		known[s.Name] = true
	}
	for _, file := range documents(t) {
		for _, name := range regexp.MustCompile(`NGLIVE_[A-Z_]*[A-Z]`).FindAllString(document(t, file), -1) {
			if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] {
				t.Errorf("%s names %s, which is no setting", file, name)
			}
		}
	}
}

func TestDocs_nameOnlyPathsThatTheAPIHas(t *testing.T) {
	t.Parallel()
	var known []*regexp.Regexp
	for _, m := range regexp.MustCompile(`(?m)^  (/api/\S*):$`).FindAllStringSubmatch(document(t, "openapi/openapi.yaml"), -1) {
		known = append(known, regexp.MustCompile("^"+regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(m[1], "[^/]+")+"$"))
	}
	for _, file := range documents(t) {
		for _, path := range regexp.MustCompile(`/api/[a-z0-9{}<>/-]*[a-z}>]`).FindAllString(document(t, file), -1) {
			if !slices.ContainsFunc(known, func(k *regexp.Regexp) bool { return k.MatchString(path) }) {
				t.Errorf("%s names %s, which the API does not have", file, path)
			}
		}
	}
}

func TestDocs_linkToWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(document(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
	}
}

// TestDocs_sayTheSameInBothLanguages compares what must not differ: the headings' levels, the rows of tables, the settings and
// the commands. It cannot read the sentences.
func TestDocs_sayTheSameInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t) {
		english := strings.TrimSuffix(file, ".zh-CN.md") + ".md"
		if english == file+".md" {
			continue
		}
		if got, want := skeleton(document(t, file)), skeleton(document(t, english)); !slices.Equal(got, want) {
			t.Errorf("%s is built as\n  %s\nand %s as\n  %s", file, strings.Join(got, "\n  "), english, strings.Join(want, "\n  "))
		}
	}
}

// skeleton is a document without its sentences.
func skeleton(text string) []string {
	var bones []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  #") // a remark behind a command
		switch {
		case strings.HasPrefix(line, "#"):
			bones = append(bones, regexp.MustCompile(`^#+`).FindString(line))
		case strings.HasPrefix(line, "|"):
			bones = append(bones, "|"+strings.Join(regexp.MustCompile("`[A-Za-z_]+`").FindAllString(line, -1), " "))
		case strings.HasPrefix(line, "curl"), strings.HasPrefix(line, "sudo"), strings.HasPrefix(line, "bin/"), strings.HasPrefix(line, "make"):
			bones = append(bones, regexp.MustCompile(`\p{Han}+`).ReplaceAllString(strings.TrimSpace(line), "…"))
		}
	}
	return bones
}
