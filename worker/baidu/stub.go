package baidu

import (
	"net/http"
	"time"
)

type authority interface{}

func (c *Client) authorityOf(Credential) authority { return nil }

type throttle struct{}

func newThrottle(int64) *throttle          { return nil }
func newHTTP(time.Duration) *http.Client   { return http.DefaultClient }
func jitter(d time.Duration) time.Duration { return d }
