// Package store opens PostgreSQL, runs transactions, and holds the two things that every
// area writes beside its own rows: the audit chain and the outbox of messages. The areas
// below it (cardstore, personstore, …) are small types that work on a pool or a transaction.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"volcard/internal/fault"
)

// Querier is what a pool and a transaction have in common.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// DB is a pool of connections to the project's database.
type DB struct {
	*pgxpool.Pool
}

// Open makes a pool. It does not wait for the database: readiness is asked separately,
// so that a process can start while PostgreSQL is still coming up.
func Open(ctx context.Context, url string, maxConns int32) (*DB, error) {
	return OpenWithin(ctx, url, maxConns, Deadlines{})
}

// OpenWithin is Open with deadlines.
func OpenWithin(ctx context.Context, url string, maxConns int32, deadlines Deadlines) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database url: %w", err)
	}
	if maxConns > 0 {
		cfg.MaxConns = maxConns
	}
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute // connections that were made together do not end together
	// A server that has become a standby refuses every write from now on. The next connection looks for the primary
	// among the hosts of the URL (target_session_attrs).
	keep := cfg.ConnConfig.OnPgError
	cfg.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.Code != readOnly && keep(conn, err)
	}
	if !strings.Contains(url, "connect_timeout") {
		cfg.ConnConfig.ConnectTimeout = 3 * time.Second
	}
	// A process that stands still in a transaction must not keep others from its rows for ever.
	cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.Itoa(int(idleInTx.Milliseconds()))
	// Every statement of ours finds its rows by a key, so the plan does not depend on the values:
	// planning it once for a connection spares each call as much time as running it takes.
	if _, given := cfg.ConnConfig.RuntimeParams["plan_cache_mode"]; !given {
		cfg.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	}
	deadlines.apply(cfg)
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerIDs(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	return &DB{Pool: pool}, nil
}

// readOnly is the SQLSTATE of a write to a standby.
const readOnly = "25006"

// idleInTx is how long a transaction may wait for its own process: as long as an activity takes at
// most. No transaction of ours does anything but SQL and a little arithmetic.
const idleInTx = 10 * time.Second

// txTries bounds the retries of a transaction that PostgreSQL gave up because of another one.
const txTries = 3

// InTx runs fn in one transaction (read committed) and commits it. Deadlocks and
// serialization failures are tried again, so fn must have no effect outside the transaction.
// Errors come back translated. A failure of COMMIT itself leaves the outcome unknown: callers
// make it harmless with a unique key of their own.
func (db *DB) InTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	var err error
	for range txTries {
		err = pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
			if err := allow(ctx, tx); err != nil {
				return err
			}
			return fn(tx)
		})
		var pg *pgconn.PgError
		if errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001") {
			continue
		}
		break
	}
	return Translate(err)
}

// Translate gives PostgreSQL's errors the house's kinds. Faults pass through unchanged.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return &fault.Error{Kind: fault.NotFound, Msg: "没有找到。", Err: err}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == codeUnconfirmed:
			return &fault.Error{Kind: fault.Unavailable, Msg: Unconfirmed, Err: err}
		case pg.Code == "23505":
			return &fault.Error{Kind: fault.Conflict, Msg: "已经有一条同样的记录。", Err: err}
		case pg.Code[:2] == "08", pg.Code[:2] == "53", pg.Code[:2] == "57", pg.Code[:2] == "58", pg.Code == readOnly:
			return unavailable(err)
		}
		return &fault.Error{Kind: fault.Internal, Err: err}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) {
		return unavailable(err)
	}
	return &fault.Error{Kind: fault.Internal, Err: err}
}

// Busy is the sentence of a failure that PostgreSQL's absence made: nothing was written.
const Busy = "系统正忙，请稍后再试。"

func unavailable(err error) error {
	return &fault.Error{Kind: fault.Unavailable, Msg: Busy, Err: err}
}

// IsForeign tells whether err is the violation of the named foreign key.
func IsForeign(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23503" && pg.ConstraintName == constraint
}

// IsUnique tells whether err is the violation of the named unique constraint or index.
func IsUnique(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint
}
