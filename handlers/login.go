package handlers

import (
	"context"
	"errors"
	"net/http"
)

var errRedisAway = errors.New("Redis does not answer; is it running, and is NGLIVE_REDIS_URL right?") //nolint:staticcheck // for people

type loginInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"1000" doc:"NGLIVE_TOKEN"`
	}
}

type loginOutput struct {
	SetCookie string `header:"Set-Cookie"`
	Body      struct {
		OK bool `json:"ok"`
	}
}

func (h *handlers) login(ctx context.Context, in *loginInput) (*loginOutput, error) {
	out := &loginOutput{}
	out.Body.OK = true
	if h.Login == nil {
		return out, nil
	}
	c, ok := h.Login(ctx, in.Body.Token)
	if !ok {
		return nil, refuse(http.StatusUnauthorized, "The token is wrong. It is the NGLIVE_TOKEN of this installation.")
	}
	if c != nil {
		out.SetCookie = c.String()
	}
	return out, nil
}
