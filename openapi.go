package main

import (
	"context"
	"fmt"

	"github.com/ngworks/nglive/handlers"
)

// runOpenAPI is the command "nglive openapi"; it needs neither Redis nor settings.
func runOpenAPI(ctx context.Context, c *console, args []string) int {
	if len(args) > 0 {
		c.complain("usage 用法: nglive openapi > openapi/openapi.yaml\n")
		return exitUsage
	}
	spec, err := handlers.Spec()
	if err != nil {
		return c.ended(ctx, fmt.Errorf("describe the API: %w", err))
	}
	if _, err := c.stdout.Write(spec); err != nil {
		return c.ended(ctx, fmt.Errorf("write the API's description: %w", err))
	}
	return exitDone
}
