package web

import (
	"bytes"
	"maps"
	"net/http"
)

// page is an answer kept in memory, so that it can be looked at or changed before it is sent.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *page) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// render lets a handler answer a request into memory.
func render(h http.Handler, r *http.Request) *page {
	p := &page{header: http.Header{}}
	h.ServeHTTP(p, r)
	p.WriteHeader(http.StatusOK)
	return p
}

// send passes the page on.
func (p *page) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.header)
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body.Bytes())
}
