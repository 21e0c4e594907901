package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/joho/godotenv"
)

// readDotenv gives the NGLIVE_ lines of a .env; a missing file has none.
func readDotenv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	all, err := parseDotenv(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

func parseDotenv(content []byte) (map[string]string, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // Windows' Notepad adds it
	all, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		// The library's own text quotes the rest of the file, secrets and all.
		return nil, fmt.Errorf("line %d is not NAME=value; put a value with spaces, # or $ in single quotes", badLine(content))
	}
	for name := range all {
		if !strings.HasPrefix(name, settingPrefix) {
			delete(all, name)
		}
	}
	return all, nil
}

// badLine is the first line that cannot be read by itself. Where only a quote
// that spans lines is at fault, that is the line it opens on.
func badLine(content []byte) int {
	number := 0
	for line := range bytes.Lines(content) {
		number++
		if _, err := godotenv.UnmarshalBytes(line); err != nil {
			return number
		}
	}
	return number
}

// dotenvLine writes a setting so that godotenv, systemd and a shell all read
// the same value back.
func dotenvLine(name, value string) (string, error) {
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", fmt.Errorf("%s: the value has a control character in it", name)
	case strings.HasSuffix(value, `\`):
		return "", fmt.Errorf("%s: the value ends in a backslash, which would swallow its closing quote", name)
	case strings.Trim(value, plainCharacters) == "":
		return name + "=" + value, nil
	case !strings.Contains(value, "'"):
		return name + "='" + value + "'", nil
	case strings.ContainsAny(value, "\"\\$`"):
		return "", fmt.Errorf("%s: the value mixes ' with \", \\, $ or `, which no .env can hold", name)
	}
	return name + `="` + value + `"`, nil
}

const plainCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,%@+"
