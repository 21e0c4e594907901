package web

import "net/http"

// policyGuests is what Swagger UI and the queue dashboard need: they bring inline scripts and styles of their own. Nothing may
// load from another host there either, and no other page may frame them.
const policyGuests = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// hardened sets the headers that keep browsers from doing more than the page needs. A guest sets its own policy over ours.
func hardened(next http.Handler, policy string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// guest serves a foreign page under the policy it needs.
func guest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policyGuests)
		next.ServeHTTP(w, r)
	})
}
