package rehearsal

import "net/http"

func (r *Recorder) graphQL(w http.ResponseWriter, _ *http.Request) {
	page(w, http.StatusNotFound, "Not Found")
}
