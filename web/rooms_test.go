package web

import (
	"net/http"
	"testing"
	"time"
)

// The original's GETs that change something, on the site as it is put together.
func TestSite_keepsForeignPagesFromChangingRooms(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(*Config) {})
	for _, path := range []string{"/addroom?roomid=3", "/removeroom?roomid=3"} {
		for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"} {
			got := s.ask(t, http.MethodGet, path, func(r *http.Request) { r.Header.Set(header, value) })
			if got.Code != http.StatusForbidden {
				t.Errorf("%s with %s: %d, want 403", path, header, got.Code)
			}
		}
		if got := s.ask(t, http.MethodGet, path, func(*http.Request) {}); got.Code != http.StatusOK {
			t.Errorf("%s: %d, want 200", path, got.Code)
		}
	}
	closed := newSite(t, func(c *Config) { c.Token = testToken })
	// Over plain HTTP a browser says nothing of the page whose picture this address was, and sends the cookie.
	for site, want := range map[string]int{"": http.StatusForbidden, "same-origin": http.StatusOK} {
		got := closed.ask(t, http.MethodGet, "/addroom?roomid=3", func(r *http.Request) {
			r.AddCookie(closed.guard.cookie(false, time.Hour))
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
		})
		if got.Code != want {
			t.Errorf("with the cookie and Sec-Fetch-Site %q: %d, want %d", site, got.Code, want)
		}
	}
	for _, path := range []string{"/allroom", "/getroom?roomid=3", "/addroom?roomid=3", "/removeroom?roomid=3", "/api/rooms", "/api/blacklist"} {
		if got := closed.ask(t, http.MethodGet, path, func(*http.Request) {}); got.Code != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d, want 401", path, got.Code)
		}
	}
}
