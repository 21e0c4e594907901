package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestErrors_showNothingOfTheInsideAndRepeatNothing(t *testing.T) {
	s := newSite(t)
	for body, status := range map[string]int{
		`hunter2`:                              http.StatusBadRequest,
		`{"id":"x","steps":[],"a":hunter2}`:    http.StatusBadRequest,
		`{"id":"x"`:                            http.StatusBadRequest,
		``:                                     http.StatusBadRequest,
		`{"id":["hunter2"],"steps":[]}`:        http.StatusUnprocessableEntity,
		`{"id":"x","steps":"hunter2"}`:         http.StatusUnprocessableEntity,
		`{"id":"x","steps":null}`:              http.StatusUnprocessableEntity,
		`{"id":"x","steps":[],"version":1e99}`: http.StatusUnprocessableEntity,
		`{"id":"x","steps":[],"match":{"rooms":[9223372036854775808]}}`: http.StatusUnprocessableEntity,
		strings.Repeat(`[`, 20000):                                      http.StatusBadRequest,
		`{"id":"` + strings.Repeat("x", 1<<20) + `"}`:                   http.StatusRequestEntityTooLarge,
	} {
		r := s.post("/api/flows", body).is(status)
		r.refusal()
		for _, inside := range []string{"hunter2", "json:", "Go ", "goroutine", `"value"`, "$schema"} {
			if strings.Contains(r.body, inside) {
				t.Errorf("%.60s: the answer has %q in it: %s", body, inside, r.body)
			}
		}
	}
}

func TestErrors_ofOursHaveNoDetails(t *testing.T) {
	e := translate(http.StatusInternalServerError, "secret", errors.New("redis://user:password@host"))
	if got, ok := e.(*Error); !ok || len(got.Errors) != 0 || strings.Contains(got.Message, "secret") || got.Code != "internal" {
		t.Errorf("error is %+v", e)
	}
}

func TestErrors_lookTheSameOutsideOfTheOperations(t *testing.T) {
	w := httptest.NewRecorder()
	WriteError(w, http.StatusNotFound, "There is nothing here.")
	r := reply{t, w.Code, w.Header(), w.Body.String()}
	if e := r.is(http.StatusNotFound).refusal(); e.Code != "not_found" {
		t.Errorf("error is %+v", e)
	}
}

func TestSpec_describesEveryOperation(t *testing.T) {
	api := Register(http.NewServeMux(), Deps{})
	verbNoun := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	ids := map[string]bool{}
	for path, item := range api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			if !verbNoun.MatchString(op.OperationID) || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 || op.Security == nil {
				t.Errorf("%s %s: %+v", op.Method, path, op)
			}
			ids[op.OperationID] = true
			if strings.HasPrefix(path, "/api/") != op.RejectUnknownQueryParameters && path != "/api/login" {
				t.Errorf("%s %s: unknown parameters", op.Method, path)
			}
		}
	}
	if len(ids) != 55 {
		t.Errorf("%d operations", len(ids))
	}
}

func TestSpec_isServed(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/openapi.json", "/openapi.yaml"} {
		if r := s.get(path).is(http.StatusOK); !strings.Contains(r.body, "receive-webhook") || !strings.Contains(r.body, "3.1.0") {
			t.Errorf("%s is %.200s", path, r.body)
		}
	}
}
