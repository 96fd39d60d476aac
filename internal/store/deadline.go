package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Deadlines bound how long a process waits for PostgreSQL; zero means without a bound. What takes
// longer fails as unavailable.
type Deadlines struct {
	// Connection bounds the wait for a connection of the pool.
	Connection time.Duration
	// Statement bounds a statement, or a batch of them. PostgreSQL itself ends one that takes longer,
	// and its connection goes on. Allow lengthens it.
	Statement time.Duration
}

// hangGrace is how much later than PostgreSQL the client gives up on a statement: only a server that
// hangs lets it pass, and its connection is lost.
const hangGrace = time.Second

type allowedKey struct{}

// Allow returns a context in which a statement may take d, where a set of rows is moved or imported.
// InTx passes it on to PostgreSQL; outside of a transaction its own bound stays.
func Allow(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, allowedKey{}, d)
}

func allowed(ctx context.Context) (time.Duration, bool) {
	d, ok := ctx.Value(allowedKey{}).(time.Duration)
	return d, ok
}

// allow tells PostgreSQL what Allow said, for the rest of the transaction.
func allow(ctx context.Context, tx pgx.Tx) error {
	d, ok := allowed(ctx)
	if !ok {
		return nil
	}
	// SET takes no parameters; the text is a number.
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", d.Milliseconds()))
	return err
}

func (d Deadlines) apply(cfg *pgxpool.Config) {
	if _, given := cfg.ConnConfig.RuntimeParams["statement_timeout"]; !given && d.Statement > 0 {
		cfg.ConnConfig.RuntimeParams["statement_timeout"] = strconv.FormatInt(d.Statement.Milliseconds(), 10)
	}
	cfg.ConnConfig.Tracer = tracer{d}
}

// tracer gives each call its deadline: pgx uses the context that a tracer returns for the rest of
// the call and hands it to the tracer's end.
type tracer struct{ deadlines Deadlines }

type (
	connectionKey struct{}
	statementKey  struct{}
)

func within(ctx context.Context, d time.Duration, key any) context.Context {
	if d <= 0 {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	return context.WithValue(ctx, key, cancel)
}

func end(ctx context.Context, key any) {
	if cancel, ok := ctx.Value(key).(context.CancelFunc); ok {
		cancel()
	}
}

func (t tracer) statement(ctx context.Context) context.Context {
	d := t.deadlines.Statement
	if longer, ok := allowed(ctx); ok {
		d = max(d, longer)
	}
	if d > 0 {
		d += hangGrace
	}
	return within(ctx, d, statementKey{})
}

// TraceAcquireStart begins the wait for a connection.
func (t tracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return within(ctx, t.deadlines.Connection, connectionKey{})
}

// TraceAcquireEnd ends it.
func (tracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	end(ctx, connectionKey{})
}

// TraceQueryStart begins a statement.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.statement(ctx)
}

// TraceQueryEnd ends it, after its rows were read.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	end(ctx, statementKey{})
}

// TraceBatchStart begins a batch of statements.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.statement(ctx)
}

// TraceBatchQuery is called for each statement of a batch.
func (tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd ends it.
func (tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	end(ctx, statementKey{})
}
