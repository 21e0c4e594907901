package web

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/ngworks/nglive/handlers"
)

// refuse answers with the API's error model, for what is refused before a handler is reached. The message says what to do and repeats nothing of what was sent.
func refuse(w http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(handlers.Error{Status: status, Code: code, Message: message})
	if err != nil {
		panic("a refusal does not go into JSON: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close") // whoever is refused shall not hold a connection by never sending the body it announced
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// spoken puts the mux's own 404 and 405, which are plain text, into the error model.
func spoken(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		mute := &page{header: http.Header{}}
		answer.ServeHTTP(mute, r)
		if allowed := mute.header.Get("Allow"); allowed != "" {
			w.Header().Set("Allow", allowed)
			refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "This address takes "+allowed+" only.")
			return
		}
		refuse(w, http.StatusNotFound, "not_found", "There is nothing at this address. The API is described at /docs/.")
	})
}
