package rehearsal

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// lets decides as the original does who may come in, and answers for it otherwise.
func (r *Recorder) lets(w http.ResponseWriter, q *http.Request) bool {
	switch {
	case r.cfg.User != "" || r.cfg.Password != "":
		user, password, ok := q.BasicAuth()
		if ok && user == r.cfg.User && password == r.cfg.Password {
			return true
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q", "BililiveRecorder "+r.cfg.Version))
		page(w, http.StatusUnauthorized, "401 Unauthorized")
		return false
	case r.cfg.OpenAccess || r.fromNearby(q):
		return true
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusPreconditionFailed)
	_, _ = io.WriteString(w, "Access Denied.\nOpen access from the internet detected.")
	return false
}

// fromNearby is what a recorder without a password takes for its own network.
func (r *Recorder) fromNearby(q *http.Request) bool {
	headers := []string{"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via"}
	if slices.ContainsFunc(headers, func(h string) bool { return q.Header.Get(h) != "" }) || !local(hostOf(q.RemoteAddr)) {
		return false
	}
	host := hostOf(q.Host)
	if strings.HasPrefix(r.cfg.Version, "2.11.") { // its check was the wrong way round
		return local(host) && host != "localhost" && !ownAddress(q, host)
	}
	return host == "localhost" || local(host) && ownAddress(q, host)
}

// ownAddress says whether the request came in at the address that it names.
func ownAddress(q *http.Request, host string) bool {
	own, ok := q.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && hostOf(own.String()) == host
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.IsLoopback() || addr.IsPrivate())
}
