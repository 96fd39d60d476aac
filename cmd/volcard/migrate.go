package main

import (
	"context"
	"fmt"
	"os"

	"volcard/internal/config"
	"volcard/internal/store"
)

type migrateCommand struct{}

// Run migrates and says which version the database has now.
func (migrateCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Migrate](os.Environ())
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx, cfg.Owner.URL.Reveal()); err != nil {
		return err
	}
	fmt.Println("schema version", store.LatestVersion())
	return nil
}
