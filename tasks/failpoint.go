//go:build !failpoints

package tasks

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// Failpoint marks a moment at which `make chaos` may end the process as kill -9 does. In every other build it is nothing at all.
func Failpoint(string) {}

// Hasten shortens a pause for `make chaos`, which has ten minutes for what takes days. In every other build it changes nothing.
func Hasten(d time.Duration) time.Duration { return d }

// WatchWrites makes a moment of every command that the client sends, Asynq's own included. In every other build it does nothing.
func WatchWrites(*redis.Client) {}
