package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// watched measures and logs every request, and turns a panic into an answer that tells nothing.
func watched(next http.Handler, log *slog.Logger, measure func(pattern string, status int, took time.Duration)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		began := time.Now()
		defer func() { //nolint:contextcheck // what it calls has the request's context
			survive(r.Context(), a, recover(), log)
			took := time.Since(began)
			measure(r.Pattern, a.status, took)
			log.DebugContext(r.Context(), "request answered", "method", r.Method, "url", redactedURL(r.URL), "status", a.status,
				"took", took, "from", r.RemoteAddr)
		}()
		next.ServeHTTP(a, r)
	})
}

// survive answers for a handler that panicked. http.ErrAbortHandler is net/http's own way to cut an answer short.
func survive(ctx context.Context, a *answer, cause any, log *slog.Logger) {
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	log.ErrorContext(ctx, "request handler panicked", "cause", redacted(fmt.Sprint(cause)), "stack", string(debug.Stack()))
	if a.status == 0 {
		refuse(a, http.StatusInternalServerError, "internal", "Something went wrong inside NGlive. Its log says what.")
	}
}

// answer remembers the status of what goes through it.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush sends what is written so far.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Hijack hands the connection over to a WebSocket.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.status = http.StatusSwitchingProtocols
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take the connection over: %w", err)
	}
	return conn, rw, nil
}

// hidden stands where a secret was.
const hidden = "***"

// redactedURL is a request's address without the token in it, however its name was spelled.
func redactedURL(u *url.URL) string {
	if u.RawQuery == "" {
		return u.EscapedPath()
	}
	pairs := strings.Split(u.RawQuery, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err != nil || strings.EqualFold(plain, "token") {
			pairs[i] = "token=" + hidden
		}
	}
	return u.EscapedPath() + "?" + strings.Join(pairs, "&")
}

// redacted hides tokens in any text: an error of net/http, what a panic said.
func redacted(text string) string {
	return regexp.MustCompile(`(?i)(token=|bearer )[^&\s"']*`).ReplaceAllString(text, "${1}"+hidden)
}
