package main

import (
	"context"

	"volcard/internal/config"
	"volcard/internal/store/placestore"
)

// seed fills a new database with the demonstration's data and returns its logins. On a filled
// one it changes nothing.
func (d *dev) seed(ctx context.Context, cfg config.Worker) ([]login, error) {
	p, err := openParts(ctx, d.log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := placestore.Seed(ctx, p.db, p.clock); err != nil {
		return nil, err
	}
	return nil, nil
}
