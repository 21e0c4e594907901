package handlers

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// checkWithin is how long all checks together may take.
const checkWithin = 2 * time.Second

type healthOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (h *handlers) healthz(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{ContentType: "text/plain; charset=utf-8", Body: []byte("ok\n")}, nil
}

type checkResult struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty" doc:"What is wrong and what to do"`
}

type readyOutput struct {
	Status int
	Body   struct {
		Ready  bool          `json:"ready"`
		Checks []checkResult `json:"checks" nullable:"false"`
	}
}

func (h *handlers) readyz(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	ctx, stop := context.WithTimeout(ctx, checkWithin)
	defer stop()
	checks := append([]Check{{Name: "redis", Run: h.redisThere}}, h.Checks...)
	out := &readyOutput{Status: http.StatusOK}
	out.Body.Ready, out.Body.Checks = true, make([]checkResult, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { out.Body.Checks[i] = c.result(ctx) })
	}
	all.Wait()
	for _, c := range out.Body.Checks {
		if !c.OK {
			out.Body.Ready, out.Status = false, http.StatusServiceUnavailable
		}
	}
	return out, nil
}

// result does not wait for a check that ignores its context.
func (c Check) result(ctx context.Context) checkResult {
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			return checkResult{Name: c.Name, Message: err.Error()}
		}
		return checkResult{Name: c.Name, OK: true}
	case <-ctx.Done():
		return checkResult{Name: c.Name, Message: "no answer within " + checkWithin.String()}
	}
}

// redisThere hides the address and whatever else the error tells.
func (h *handlers) redisThere(ctx context.Context) error {
	if err := h.Store.Ping(ctx); err != nil {
		h.Log.WarnContext(ctx, "redis did not answer", "error", err)
		return errRedisAway
	}
	return nil
}
