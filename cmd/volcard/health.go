package main

import (
	"context"
	"os"

	"volcard/internal/config"
	"volcard/internal/telemetry"
)

type healthCommand struct{}

// Run asks the process whose settings this one shares.
func (healthCommand) Run(ctx context.Context) error {
	addr, err := config.MetricsAddr(os.Environ())
	if err != nil {
		return err
	}
	return telemetry.Probe(ctx, addr)
}
