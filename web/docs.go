package web

import (
	"net/http"

	"github.com/swaggest/swgui/v5emb"
)

// docs is the API's description for people. Its files are embedded: it works without a network.
func docs() http.Handler { return guest(v5emb.New("NGlive API", "/openapi.json", "/docs/")) }
