package main

import (
	"context"
	"runtime"
	"runtime/debug"
)

// version is the release this source belongs to.
const version = "0.1.0-dev"

func runVersion(_ context.Context, c *console, args []string) int {
	if len(args) > 0 {
		c.complain("usage 用法: nglive version\n")
		return exitUsage
	}
	c.say("nglive %s (%s, %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitDone
}

// versionText is the release, and the commit where the build knows it.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return version + commitOf(info.Settings)
}

func commitOf(settings []debug.BuildSetting) string {
	var commit, changed string
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			commit = "+" + s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			if s.Value == "true" {
				changed = ".changed"
			}
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
