package main

import (
	"context"
	"fmt"
	"os"

	"volcard/internal/audit"
	"volcard/internal/clock"
	"volcard/internal/config"
)

type auditCommand struct{}

// Run prints each finding on a line of its own.
func (auditCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Audit](os.Environ())
	if err != nil {
		return err
	}
	findings, err := audit.Run(ctx, cfg.Reader.URL.Reveal(), audit.Options{Now: clock.System{}.Now()})
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		return errFindings
	}
	fmt.Printf("%d checks, nothing found\n", len(audit.Names()))
	return nil
}
