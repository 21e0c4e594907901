//go:build !linux

package ffmpeg

func renameNew(from, to string) error { return renameChecked(from, to) }
