package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"volcard/internal/clock"
	"volcard/internal/config"
	"volcard/internal/store"
)

type adminRestored struct {
	Gap    int64 `default:"100000" help:"How many numbers the lost database may have issued since the backup; all of them are revoked."`
	Beyond int64 `default:"0" help:"The sequence that an earlier restore of the same backup reached, as this command printed it."`
	Yes    bool  `help:"Do it. Without, only say what would happen."`
}

// Run works as the owner of the schema, whom the migrations use: the programs may not confirm themselves.
func (c adminRestored) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Migrate](os.Environ())
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, cfg.Owner.URL.Reveal(), 1)
	if err != nil {
		return err
	}
	defer db.Close()
	return c.confirm(ctx, db, clock.System{}, os.Stdout)
}

func (c adminRestored) confirm(ctx context.Context, db *store.DB, now clock.Clock, out io.Writer) error {
	restore := store.Restore{Gap: c.Gap, Beyond: c.Beyond, Actor: operator(), Now: now.Now()}
	done, err := restore.Confirm(ctx, db, !c.Yes)
	if err != nil {
		return err
	}
	state := map[bool]string{true: "confirmed already", false: "not confirmed, nothing is issued"}[done.Confirmed]
	if !c.Yes {
		_, err = fmt.Fprintf(out, "the database is %s; sequences %d to %d would be revoked, the day's batches numbered above %d, "+
			"%d sessions and %d codes ended, %d messages asked about: --yes does it\n",
			state, done.First, done.Last, done.BatchFloor, done.Sessions, done.Codes, done.Messages)
		return err
	}
	_, err = fmt.Fprintf(out, "confirmed; sequences %d to %d are revoked, the day's batches are numbered above %d; "+
		"ended %d sessions and %d codes; asking about %d messages\nreached %d\n",
		done.First, done.Last, done.BatchFloor, done.Sessions, done.Codes, done.Messages, done.Last)
	return err
}
