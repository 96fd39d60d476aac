package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
)

// Writable reports whether PostgreSQL can write, as an error where it cannot: it is read-only, or the disk of its
// data is full. A sort that does not fit its memory writes a megabyte there and takes it back: no row, no log and no
// right is needed for it, and unlike a row in a table it never finds room that is free already. Where only the disk
// of the log is full, PostgreSQL itself stops.
func (db *DB) Writable(ctx context.Context) error {
	return db.InTx(ctx, func(tx pgx.Tx) error {
		var readOnly bool
		if err := tx.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::boolean").Scan(&readOnly); err != nil {
			return err
		}
		if readOnly {
			return fault.New(fault.Unavailable, "PostgreSQL is read-only")
		}
		if _, err := tx.Exec(ctx, "SET LOCAL work_mem = '64kB'"); err != nil {
			return err
		}
		var n int
		return tx.QueryRow(ctx, `
			SELECT count(*) FROM (SELECT repeat(md5(i::text), 8) AS filler FROM generate_series(1, 4000) i ORDER BY filler OFFSET 0) sorted`).Scan(&n)
	})
}
