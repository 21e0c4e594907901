//go:build !linux

package main

// notifySocket does nothing: only Linux has systemd.
func notifySocket(string, string) error { return nil }
