package main

import (
	"context"
	"fmt"
	"os"

	"volcard/internal/clock"
	"volcard/internal/config"
	"volcard/internal/store"
	"volcard/internal/store/placestore"
)

type migrateCommand struct{}

// Run migrates and says which version the database has now.
func (migrateCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Migrate](os.Environ())
	if err != nil {
		return err
	}
	if err := migrate(ctx, cfg.Owner.URL.Reveal()); err != nil {
		return err
	}
	fmt.Println("schema version", store.LatestVersion())
	return nil
}

// migrate brings the schema, and the list of universities where there is none yet: students cannot apply
// without one, and an import replaces it.
func migrate(ctx context.Context, ownerURL string) error {
	if err := store.Migrate(ctx, ownerURL); err != nil {
		return err
	}
	db, err := store.Open(ctx, ownerURL, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	return placestore.SeedUniversities(ctx, db, clock.System{})
}
