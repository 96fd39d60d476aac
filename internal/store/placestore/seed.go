package placestore

import (
	"context"
	_ "embed" // the demonstration's branches are data beside this file

	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/school"
	"volcard/internal/store"
)

// Made-up branches for the demonstration, each named as such.
//
//go:embed branches_demo.csv
var demoBranches []byte

// Seed fills both lists where they have never been filled.
func Seed(ctx context.Context, db *store.DB, clk clock.Clock) error {
	if err := SeedUniversities(ctx, db, clk); err != nil {
		return err
	}
	return SeedDemoBranches(ctx, db, clk)
}

// SeedUniversities imports the project's own list into an empty table: every installation needs
// one before its administrator has imported the Ministry's.
func SeedUniversities(ctx context.Context, db *store.DB, clk clock.Clock) error {
	return seed(ctx, db, clk, Universities, school.ListCSV, `SELECT EXISTS (SELECT 1 FROM university)`)
}

// SeedDemoBranches imports fictional branches into an empty table. It is for the demonstration
// only: an installation that serves people imports the bank's list.
func SeedDemoBranches(ctx context.Context, db *store.DB, clk clock.Clock) error {
	return seed(ctx, db, clk, Branches, demoBranches, `SELECT EXISTS (SELECT 1 FROM branch)`)
}

func seed(ctx context.Context, db *store.DB, clk clock.Clock, list List, file []byte, filled string) error {
	return db.InTx(ctx, func(tx pgx.Tx) error {
		// Two processes may start at once: the second waits here, then finds the rows.
		if err := lockList(ctx, tx, list); err != nil {
			return err
		}
		var is bool
		if err := tx.QueryRow(ctx, filled).Scan(&is); err != nil {
			return store.Translate(err)
		}
		if is {
			return nil
		}
		_, err := ApplyTx(ctx, tx, list, file, Importer{Actor: store.Actor{Kind: "operator", ID: "seed"}}, clk.Now())
		return err
	})
}
