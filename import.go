package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gopkg.in/ini.v1"
)

const importUsage = `usage: nglive import config.ini [--out .env] [--force]
  reads the original NGlive's config.ini and writes the same settings as a .env
  读取旧版 NGlive 的 config.ini，写成新版的 .env
`

// importINI is the command "nglive import"; it returns the exit code.
func importINI(args []string, stdout, stderr io.Writer) int {
	options, err := parseImportArgs(args)
	if err != nil {
		fmt.Fprintf(stderr, "nglive import: %v\n%s", err, importUsage)
		return 2
	}
	moved, err := readINI(options.ini, options.out)
	if err == nil {
		err = writeDotenv(options, moved)
	}
	if err != nil {
		fmt.Fprintf(stderr, "nglive import: %v\n", err)
		return 1
	}
	moved.report(stdout, options.out)
	moved.reportMistakes(stderr)
	return 0
}

type importOptions struct {
	ini, out string
	force    bool
}

// parseImportArgs takes the flags before and after the file's name.
func parseImportArgs(args []string) (importOptions, error) {
	options := importOptions{}
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&options.out, "out", ".env", "")
	flags.BoolVar(&options.force, "force", false, "")
	var files []string
	for {
		if err := flags.Parse(args); err != nil {
			return options, err
		}
		if flags.NArg() == 0 {
			break
		}
		files, args = append(files, flags.Arg(0)), flags.Args()[1:]
	}
	if len(files) != 1 || options.out == "" {
		return options, errors.New("name one config.ini")
	}
	options.ini = files[0]
	return options, nil
}

// readINI translates the file at path for a .env at out.
func readINI(path, out string) (*migration, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the old settings: %w", err)
	}
	file, err := parseINI(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return migrate(file, path, out), nil
}

func parseINI(content []byte) (*ini.File, error) {
	text, err := decodeText(content)
	if err != nil {
		return nil, err
	}
	// As Python's configparser read it: no inline comments, no continuation by
	// backslash, names in any case. [COOKIES] stays unread: it is all secrets.
	file, err := ini.LoadSources(ini.LoadOptions{
		Insensitive:             true,
		IgnoreInlineComment:     true,
		IgnoreContinuation:      true,
		SkipUnrecognizableLines: true,
		UnparseableSections:     []string{"cookies"},
	}, []byte(text))
	if err != nil {
		return nil, errors.New("this is no config.ini that can be read: open it in an editor and look for a broken [section] line or quote")
	}
	if !file.HasSection("basic") && !file.HasSection("transcode") {
		return nil, errors.New("there is neither [BASIC] nor [TRANSCODE] in it: is it the original NGlive's config.ini?")
	}
	return file, nil
}

// decodeText reads UTF-8 and UTF-16, with the marks that Windows' Notepad adds.
func decodeText(content []byte) (string, error) {
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}), bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		bigEndian := content[0] == 0xfe
		var units []uint16
		for i := 2; i+1 < len(content); i += 2 {
			low, high := content[i], content[i+1]
			if bigEndian {
				low, high = high, low
			}
			units = append(units, uint16(high)<<8|uint16(low))
		}
		return string(utf16.Decode(units)), nil
	case !utf8.Valid(content):
		return "", errors.New("the text is not UTF-8, perhaps GBK (ANSI): save it as UTF-8 in an editor and try again / 文件不是 UTF-8 编码（可能是 GBK/ANSI）：请用编辑器另存为 UTF-8 后重试")
	}
	return strings.TrimPrefix(string(content), "\ufeff"), nil
}

// writeDotenv replaces an existing file only when asked, and never by half.
func writeDotenv(options importOptions, moved *migration) error {
	content, err := moved.dotenv()
	if err != nil {
		return err
	}
	if options.force {
		err = replaceFile(options.out, content)
	} else {
		err = writeNew(options.out, content)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: add --force to replace it, or --out with another name / 文件已存在：加 --force 覆盖，或用 --out 换个名字", options.out)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", options.out, err)
	}
	return nil
}

// dotenv is the file's text. A line that cannot hold on this machine stays in
// it as a comment.
func (m *migration) dotenv() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Written by nglive import from the original's config.ini. / 由 nglive import 根据旧版 config.ini 生成。\n")
	for _, l := range m.lines {
		text, err := dotenvLine(l.name, l.value)
		if err != nil {
			return nil, err
		}
		if l.off {
			b.WriteString("# ")
		}
		b.WriteString(text + "\n")
	}
	return b.Bytes(), nil
}

// report says where each value went and what means something else now; the
// values of secrets stay in the file.
func (m *migration) report(w io.Writer, out string) {
	fmt.Fprintf(w, "wrote %s / 已写入 %s\n", out, out)
	for _, l := range m.lines {
		mark := ""
		if l.off {
			mark = "   (switched off / 未启用)"
		}
		fmt.Fprintf(w, "\n%s → %s=%s%s\n", l.from, l.name, l.shown(), mark)
		l.note.print(w)
	}
	for _, n := range m.remarks {
		fmt.Fprintln(w)
		n.print(w)
	}
	if len(m.dropped) > 0 {
		fmt.Fprintf(w, "\nnot carried over / 未沿用: %s\n", strings.Join(m.dropped, ", "))
	}
}

// reportMistakes reads the new lines as NGlive will, so that its refusal does
// not come as a surprise.
func (m *migration) reportMistakes(w io.Writer) {
	var environ []string
	for _, l := range m.lines {
		if !l.off {
			environ = append(environ, l.name+"="+l.value)
		}
	}
	if _, err := LoadConfig(environ, ""); err != nil {
		fmt.Fprintf(w, "\nNGlive will not start until this is mended / 启动前请先修正:\n  %s\n",
			strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
}

func (n remark) print(w io.Writer) {
	if n.en != "" {
		fmt.Fprintf(w, "    %s\n    %s\n", n.en, n.zh)
	}
}

// sameFolder reports whether both files lie in one folder, so that relative
// paths mean the same in them.
func sameFolder(a, b string) bool {
	absA, errA := filepath.Abs(filepath.Dir(a))
	absB, errB := filepath.Abs(filepath.Dir(b))
	return errA == nil && errB == nil && absA == absB
}
