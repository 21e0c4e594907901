package web

import (
	"net/http"
	"testing"
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
	for _, path := range []string{"/allroom", "/getroom?roomid=3", "/addroom?roomid=3", "/removeroom?roomid=3", "/api/rooms", "/api/blacklist"} {
		if got := closed.ask(t, http.MethodGet, path, func(*http.Request) {}); got.Code != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d, want 401", path, got.Code)
		}
	}
}
