package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // goose speaks database/sql
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

func provider(url string) (*sql.DB, *goose.Provider, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, fmt.Errorf("migrate: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("migrate: %w", err)
	}
	return db, p, nil
}

// Migrate brings the database at url (its owner's URL) to the newest schema. Running it twice,
// or from two processes at once, does no harm.
func Migrate(ctx context.Context, url string) error {
	db, p, err := provider(url)
	if err != nil {
		return err
	}
	defer db.Close()
	// Two processes that migrate at once would both see the old version.
	if _, err := db.ExecContext(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close()
	if err := lockMigrations(ctx, conn); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(7234501)") }()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return confirmEmpty(ctx, conn)
}

// confirmEmpty confirms a database that has issued nothing: it was made for this installation.
func confirmEmpty(ctx context.Context, conn *sql.Conn) error {
	var empty bool
	if err := conn.QueryRowContext(ctx, emptySQL).Scan(&empty); err != nil || !empty {
		return wrapMigrate(err)
	}
	_, err := conn.ExecContext(ctx, confirmSQL, "migrate")
	return wrapMigrate(err)
}

func wrapMigrate(err error) error {
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// lockMigrations waits for its turn by asking again and again: CREATE INDEX CONCURRENTLY waits for every
// statement that runs, so that a second process which waited inside one would never see the first one end.
func lockMigrations(ctx context.Context, conn *sql.Conn) error {
	ask := time.NewTicker(100 * time.Millisecond)
	defer ask.Stop()
	for {
		var mine bool
		err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(7234501)").Scan(&mine)
		if err != nil || mine {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ask.C:
		}
	}
}

// LatestVersion is the number of the newest migration in this program.
func LatestVersion() int64 {
	entries, err := migrations.ReadDir("migrations")
	if err != nil || len(entries) == 0 {
		return 0
	}
	v, err := goose.NumericComponent(entries[len(entries)-1].Name())
	if err != nil {
		return 0
	}
	return v
}

// SchemaVersion reads the version that the database has. Readiness compares it with LatestVersion.
func SchemaVersion(ctx context.Context, q Querier) (int64, error) {
	var v int64
	err := q.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&v)
	return v, Translate(err)
}
