package ffmpeg

import "os/exec"

// Windows has no process groups to signal; the program alone is ended.
func ownGroup(*exec.Cmd) {}

func killGroup(int) {}

func awaitExit(int) {}

func lowerPriority(int) {}

func endedBySignal(*exec.ExitError) string { return "" }
