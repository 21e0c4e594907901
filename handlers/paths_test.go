package handlers

import (
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

func TestPathFault_takesEveryNameARecorderCanMake(t *testing.T) {
	for _, path := range []string{
		"a.flv", "23058-3号直播间/录制.flv", `23058\录制.flv`, "-rf.flv", "a b'\"$(x).flv", "x/..a.flv", "x/a...flv",
		"😀/😀.flv", "ab:c.flv", "x/" + strings.Repeat("a", 255), strings.Repeat("d/", 1000) + "a.flv", "./a.flv", "a\nb.flv",
	} {
		if fault := pathFault(path); fault != "" {
			t.Errorf("%q: %s", path, fault)
		}
	}
}

func TestPathFault_refusesWhatLeavesTheFolderOrIsNoFile(t *testing.T) {
	for _, path := range []string{
		"", "/", "/etc/passwd", `\\server\share\a.flv`, `\a.flv`, "../a.flv", "a/../b.flv", `a\..\b.flv`, `a/..\b.flv`, "..", "a/..", `..\`,
		"C:/a.flv", `c:\a.flv`, "C:a.flv", "a\x00.flv", "a/", `a\`, ".", "a/.", strings.Repeat("a", 256), "x/" + strings.Repeat("录", 86),
		strings.Repeat("d/", 2048) + "a.flv",
	} {
		if pathFault(path) == "" {
			t.Errorf("%q was taken", path)
		}
	}
}

func TestPlace_readsAbsolutePathsInTheNodesFolders(t *testing.T) {
	linux := tasks.NodeInfo{Recordings: "/data/rec", Output: "/data/out/"}
	windows := tasks.NodeInfo{Recordings: `D:\rec`, Output: `D:\out`}
	for _, c := range []struct {
		node       tasks.NodeInfo
		path       string
		root, rest string
		refused    bool
	}{
		{linux, "x/a.flv", tasks.RootRecordings, "x/a.flv", false},
		{linux, "/data/rec/x/a.flv", tasks.RootRecordings, "x/a.flv", false},
		{linux, "/data/out/a.mp4", tasks.RootOutput, "a.mp4", false},
		{linux, "/data/rec/../../etc/passwd", "", "", true},
		{linux, "/data/record/a.flv", "", "", true},
		{linux, "/data/rec", "", "", true},
		{linux, "/data/rec/", "", "", true},
		{linux, "/data/rec//etc/passwd", "", "", true},
		{linux, "/etc/passwd", "", "", true},
		{linux, "../a.flv", "", "", true},
		{windows, `D:\rec\x\a.flv`, tasks.RootRecordings, `x\a.flv`, false},
		{windows, "D:/out/a.mp4", tasks.RootOutput, "a.mp4", false},
		{windows, `C:\rec\a.flv`, "", "", true},
		{tasks.NodeInfo{}, "/a.flv", "", "", true}, // a node that has not told its folders
	} {
		root, rest, fault := place(c.path, c.node)
		if (fault != "") != c.refused {
			t.Errorf("%s: fault is %q", c.path, fault)
		}
		if !c.refused && (root != c.root || rest != c.rest) {
			t.Errorf("%s is %q in %q, want %q in %q", c.path, rest, root, c.rest, c.root)
		}
	}
}
