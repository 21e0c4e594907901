package baidutest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"os"
	"time"
)

var (
	errTooSlow       = errors.New("the slice took longer than the gateway allows")
	errNotWellFormed = errors.New("the body is not one well-formed multipart file")
)

// readForFile gives the bytes of the one file in a multipart body to take. It is our own reader because mime/multipart looks for the
// boundary in steps of 4 KiB, and the fake must not be what a benchmark measures.
func (c *call) readForFile(take func([]byte)) error {
	boundary, ok := contentBoundary(c.r)
	if !ok {
		return errNotWellFormed
	}
	gateway := c.s.opts.Limits.Gateway
	deadline := c.began.Add(gateway)
	if err := http.NewResponseController(c.w).SetReadDeadline(deadline); err != nil {
		return err
	}
	buffer, _ := c.s.buffers.Get().(*[]byte)
	defer c.s.buffers.Put(buffer)
	in := bufio.NewReader(&dripped{c: c, in: c.r.Body})
	err := skipToFile(in, boundary)
	if err == nil {
		err = copyUntil(in, "\r\n--"+boundary, *buffer, take)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && time.Now().After(deadline) {
		return errTooSlow
	}
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{})
	return err
}

// skipToFile reads fields, if any, and the head of the part that is a file.
func skipToFile(in *bufio.Reader, boundary string) error {
	head := textproto.NewReader(in)
	line, err := head.ReadLine()
	if err != nil {
		return err
	}
	if line != "--"+boundary {
		return errNotWellFormed
	}
	for {
		part, err := head.ReadMIMEHeader()
		if err != nil {
			return orMalformed(err)
		}
		kind, params, err := mime.ParseMediaType(part.Get("Content-Disposition"))
		if err != nil || kind != "form-data" || params["name"] == "" {
			return errNotWellFormed
		}
		if _, isFile := params["filename"]; isFile {
			return nil
		}
		for line != "--"+boundary || part != nil { // a field before the file
			part = nil
			if line, err = head.ReadLine(); err != nil {
				return orMalformed(err)
			}
			if line == "--"+boundary {
				break
			}
			if line == "--"+boundary+"--" {
				return errNotWellFormed
			}
		}
	}
}

// orMalformed keeps an error of the connection and turns one of the text into ours.
func orMalformed(err error) error {
	if _, ours := errors.AsType[textproto.ProtocolError](err); ours {
		return errNotWellFormed
	}
	return err
}

// tail is how much may follow the file: the closing boundary, or a few fields.
const tail = 4 << 10

// newBuffer is what a slice goes through.
func newBuffer() any {
	b := make([]byte, tail+256<<10)
	return &b
}

// copyUntil gives all before the delimiter to take, and checks that what follows ends the form.
func copyUntil(in io.Reader, delimiter string, buffer []byte, take func([]byte)) error {
	held := 0
	for {
		n, err := in.Read(buffer[held:])
		held += n
		if held > tail {
			take(buffer[:held-tail])
			copy(buffer, buffer[held-tail:held])
			held = tail
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	end := bytes.Index(buffer[:held], []byte(delimiter))
	if end < 0 {
		return errNotWellFormed
	}
	rest := buffer[end+len(delimiter) : held]
	closing := delimiter + "--"
	if !bytes.HasPrefix(rest, []byte("--")) && !bytes.Contains(rest, []byte(closing)) {
		return errNotWellFormed
	}
	take(buffer[:end])
	return nil
}
