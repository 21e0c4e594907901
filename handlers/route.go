package handlers

import (
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// route is a line in the table of contents.
type route struct{ id, at, tag, summary, doc string }

// Names of the security schemes in the specification. They document; the guard in web decides.
const (
	bearer       = "bearer"
	cookie       = "cookie"
	webhookToken = "webhookToken"
)

// maxBody is what a request's body may weigh.
const maxBody = 1 << 20

// op is an operation for people and programs with a token.
func (r route) op() huma.Operation {
	o := r.bare()
	o.RejectUnknownQueryParameters = true
	o.Security = []map[string][]string{{bearer: {}}, {cookie: {}}}
	return o
}

func (r route) created() huma.Operation  { return r.answers(http.StatusCreated) }
func (r route) accepted() huma.Operation { return r.answers(http.StatusAccepted) }
func (r route) gone() huma.Operation     { return r.answers(http.StatusNoContent) }

func (r route) answers(status int) huma.Operation {
	o := r.op()
	o.DefaultStatus = status
	return o
}

// public needs no token.
func (r route) public() huma.Operation {
	o := r.bare()
	o.Security = []map[string][]string{{}}
	return o
}

// open is for recorders: unknown parameters and fields are theirs to send, and the body is read by hand.
func (r route) open() huma.Operation {
	o := r.bare()
	o.SkipValidateBody = true
	o.Security = []map[string][]string{{webhookToken: {}}, {bearer: {}}}
	return o
}

func (r route) bare() huma.Operation {
	method, path, _ := strings.Cut(r.at, " ")
	return huma.Operation{
		OperationID: r.id, Method: method, Path: path, Tags: []string{r.tag}, Summary: r.summary, Description: r.doc,
		MaxBodyBytes: maxBody,
	}
}

// config is Huma without its links, its docs page (it loads from a foreign host) and its schema routes.
func config() huma.Config {
	c := huma.DefaultConfig("NGlive", "1.0.0")
	c.DocsPath, c.SchemasPath, c.OpenAPIPath, c.CreateHooks = "", "", "", nil
	c.Info.Description = "Record → transcode → upload → notify, by itself. 录制 → 转码 → 上传 → 通知，全自动。\n\n" +
		"Every refusal has the same shape: `status`, `code`, `message`, and `errors` with the place of each fault."
	c.Info.License = &huma.License{Name: "AGPL-3.0", Identifier: "AGPL-3.0-only"}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer:       {Type: "http", Scheme: "bearer", Description: "NGLIVE_TOKEN. Not needed when no token is set (loopback only)."},
		cookie:       {Type: "apiKey", In: "cookie", Name: "nglive_session", Description: "Set by /api/login."},
		webhookToken: {Type: "apiKey", In: "query", Name: "token", Description: "The token inside the webhook's URL; good for /webhook alone."},
	}
	return c
}

// serveSpec answers /openapi.json and /openapi.yaml.
func serveSpec(mux *http.ServeMux, api huma.API) {
	serve := func(path, kind string, render func() ([]byte, error)) {
		once := sync.OnceValues(render)
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			b, err := once()
			if err != nil {
				WriteError(w, http.StatusInternalServerError, "the specification cannot be written")
				return
			}
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(b)
		})
	}
	serve("/openapi.json", "application/openapi+json", func() ([]byte, error) { return api.OpenAPI().MarshalJSON() })
	serve("/openapi.yaml", "application/openapi+yaml", func() ([]byte, error) { return api.OpenAPI().YAML() })
}

// Spec is the OpenAPI 3.1 specification in YAML. It needs no Redis and no configuration.
func Spec() ([]byte, error) { return Register(http.NewServeMux(), Deps{}).OpenAPI().YAML() }
