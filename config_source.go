package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// readSources gathers every NGLIVE_ value into one map with the full names.
func readSources(environ []string, dotenvPath string) (map[string]string, []error) {
	settings := settingNames()
	all := environMap(environ)
	values := map[string]string{}
	for name, value := range all {
		if strings.HasPrefix(name, settingPrefix) {
			values[name] = value
		}
	}
	errs := unknownNames(values, settings, "the environment")
	errs = append(errs, readCredentials(values, all["CREDENTIALS_DIRECTORY"])...)

	dotenv, err := readDotenv(dotenvPath)
	if err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, unknownNames(dotenv, settings, dotenvPath)...)
	underlay(values, dotenv)
	return values, append(errs, readSecretFiles(values)...)
}

func environMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			m[name] = value
		}
	}
	return m
}

// settingNames lists every name that may be set; secrets have a _FILE twin.
func settingNames() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		names = append(names, settingPrefix+field.Tag.Get("env"))
	}
	for _, name := range secretNames() {
		names = append(names, name+"_FILE")
	}
	return names
}

// secretNames lists the settings whose type hides them.
func secretNames() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		switch reflect.Zero(field.Type).Interface().(type) {
		case Secret, SecretURL, []SecretURL:
			names = append(names, settingPrefix+field.Tag.Get("env"))
		}
	}
	return names
}

// underlay adds what .env says and nothing else has said. A secret that is set
// in one of its two forms hides both forms in .env.
func underlay(values, dotenv map[string]string) {
	hidden := map[string]bool{}
	for name := range values {
		hidden[name] = true
		hidden[name+"_FILE"] = true
		hidden[strings.TrimSuffix(name, "_FILE")] = true
	}
	for name, value := range dotenv {
		if !hidden[name] {
			values[name] = value
		}
	}
}

// readCredentials takes the secrets that systemd hands over (LoadCredential=
// NGLIVE_TOKEN:…): files named after the setting.
func readCredentials(values map[string]string, dir string) []error {
	if dir == "" {
		return nil
	}
	var errs []error
	for _, name := range secretNames() {
		content, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: reading its systemd credential: %w", name, err))
		case values[name] != "" || values[name+"_FILE"] != "":
			errs = append(errs, fmt.Errorf("%s is set twice, in the environment and as a systemd credential: keep one", name))
		default:
			values[name] = string(bytes.TrimSpace(content))
		}
	}
	return errs
}

// readSecretFiles puts the content of each NGLIVE_X_FILE in the place of X.
func readSecretFiles(values map[string]string) []error {
	var errs []error
	for _, name := range secretNames() {
		path := values[name+"_FILE"]
		if path == "" {
			continue
		}
		content, err := readSecretFile(path)
		switch {
		case values[name] != "":
			errs = append(errs, fmt.Errorf("%s and %s_FILE are both set: keep one", name, name))
		case err != nil:
			errs = append(errs, fmt.Errorf("%s_FILE: %w", name, err))
		default:
			values[name] = content
		}
	}
	return errs
}

// readSecretFile leaves the path out of its errors: people put the secret
// itself there by mistake.
func readSecretFile(path string) (string, error) {
	content, err := os.ReadFile(path)
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return "", fmt.Errorf("reading the file it names: %w", cause.Err)
	}
	if err != nil {
		return "", err
	}
	if content = bytes.TrimSpace(content); len(content) == 0 {
		return "", errors.New("the file it names is empty")
	}
	return string(content), nil
}

// parseErrors puts the setting's name in front of what env found wrong.
func parseErrors(err error) []error {
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	errs := make([]error, 0, len(aggregate.Errors))
	for _, err := range aggregate.Errors {
		if bad, ok := errors.AsType[env.ParseError](err); ok {
			field, _ := reflect.TypeFor[Config]().FieldByName(bad.Name)
			err = fmt.Errorf("%s%s: %w%s", settingPrefix, field.Tag.Get("env"), bad.Err, parseHint(bad.Type.String()))
		}
		errs = append(errs, err)
	}
	return errs
}

func parseHint(goType string) string {
	switch goType {
	case "time.Duration":
		return ": write a number with its unit, such as 90s, 5m or 72h"
	case "bool":
		return ": write true or false"
	case "int":
		return ": write a whole number"
	case "slog.Level":
		return ": use debug, info, warn or error"
	}
	return ""
}

// unknownNames reports each NGLIVE_ name that is no setting, in a fixed order.
func unknownNames(values map[string]string, known []string, where string) []error {
	var errs []error
	for name := range values {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s (in %s) is no setting of NGlive%s", name, where, didYouMean(name, known)))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func didYouMean(name string, known []string) string {
	best, distance := "", 1+max(2, len(strings.TrimPrefix(name, settingPrefix))/3)
	for _, candidate := range known {
		if d := editDistance(name, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ": .env.example lists them all"
	}
	return ": did you mean " + best + "?"
}

// editDistance is Levenshtein's: how many letters to add, drop or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
