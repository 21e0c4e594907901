// Package ui is the page that people watch NGlive with: plain HTML, CSS and ES modules, embedded as they are. It never asks
// another host for anything, and it never builds: what stands in this folder is what the browser gets.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed index.html favicon.svg *.css *.js vendor
var files embed.FS

const prefix = "/ui/"

// Handler serves the page at "/" and its assets under "/ui/". Every answer carries an ETag made of its content and must be asked
// for again, so an upgrade shows at once and an unchanged page costs a few 304s. Everything is read and packed here, once.
func Handler() http.Handler {
	assets := map[string]asset{}
	for _, name := range names() {
		where := prefix + name
		if name == "index.html" {
			where = "/"
		}
		assets[where] = newAsset(name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this address can only be read", http.StatusMethodNotAllowed)
		default:
			a.serve(w, r)
		}
	})
}

// ImportMapHash is the source that allows the page's one inline script, the import map, in a Content-Security-Policy:
// 'sha256-…' with its quotes.
func ImportMapHash() string {
	page := string(read("index.html"))
	_, rest, _ := strings.Cut(page, `<script type="importmap">`)
	inline, _, found := strings.Cut(rest, "</script>")
	if !found {
		panic("ui: index.html has no import map")
	}
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is the Content-Security-Policy that the page works under.
func Policy() string {
	return "default-src 'self'; script-src 'self' " + ImportMapHash() +
		"; style-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

func names() []string {
	var all []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("ui: the embedded files cannot be listed: %v", err))
	}
	return all
}

func read(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("ui: the embedded %s cannot be read: %v", name, err))
	}
	return b
}

// asset is one file, plain and packed.
type asset struct {
	mime          string
	plain, packed []byte
	hash          string
}

func newAsset(name string) asset {
	plain := read(name)
	sum := sha256.Sum256(plain)
	a := asset{mime: typeOf(name), plain: plain, hash: hex.EncodeToString(sum[:8])}
	if packed := pack(plain); len(packed) < len(plain) {
		a.packed = packed
	}
	return a
}

func pack(plain []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(plain)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("ui: packing into memory: %v", err))
	}
	return b.Bytes()
}

// typeOf does not ask the system's own table, which on some machines says that .js is text/plain.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "text/plain; charset=utf-8"
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	body, tag := a.plain, `"`+a.hash+`"`
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	if a.packed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, tag = a.packed, `"`+a.hash+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	if known(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the listener left: nobody to tell
	}
}

// acceptsGzip reads an Accept-Encoding; q=0 is a refusal.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		_, q, weighted := strings.Cut(params, "q=")
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return !weighted || err != nil || weight > 0
	}
	return false
}

// known reports whether the client's If-None-Match names the tag.
func known(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == tag || part == "*" {
			return true
		}
	}
	return false
}
