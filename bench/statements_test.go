package bench_test

import (
	"context"
	"flag"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// statements adds PostgreSQL's own counts, for whoever looks for what is slow. It costs a little.
var statements = flag.Bool("statements", false, "count the statements of each row in PostgreSQL")

// statementsShown is how many of a row's statements are printed, the dearest first.
const statementsShown = 40

// countStatements restarts PostgreSQL with its counter of statements.
func (h *house) countStatements() {
	h.T.Helper()
	as := func(list ...string) {
		h.superuser(func(ctx context.Context, c *pgx.Conn) {
			for _, sql := range list {
				_, err := c.Exec(ctx, sql)
				require.NoError(h.T, err)
			}
		})
	}
	as("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
	require.NoError(h.T, h.Postgres.Restart(context.Background()))
	require.NoError(h.T, h.Temporal.Restart(context.Background()))
	as("CREATE EXTENSION pg_stat_statements", "ALTER SYSTEM SET pg_stat_statements.track_planning = on", "SELECT pg_reload_conf()")
}

func (h *house) superuser(do func(context.Context, *pgx.Conn)) {
	h.T.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, h.Postgres.URL("postgres", "volcard"))
	require.NoError(h.T, err)
	defer c.Close(ctx)
	do(ctx, c)
}

// counted runs a row and lists the statements that it made.
func (h *house) counted(row string, out *table, run func()) {
	h.T.Helper()
	if !*statements {
		run()
		return
	}
	h.superuser(func(ctx context.Context, c *pgx.Conn) {
		_, err := c.Exec(ctx, "SELECT pg_stat_statements_reset()")
		require.NoError(h.T, err)
	})
	run()
	h.superuser(func(ctx context.Context, c *pgx.Conn) {
		rows, err := c.Query(ctx, `
			SELECT calls, total_exec_time, total_plan_time, regexp_replace(query, '\s+', ' ', 'g')
			  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
			 WHERE d.datname = current_database()
			 ORDER BY total_exec_time + total_plan_time DESC LIMIT $1`, statementsShown)
		require.NoError(h.T, err)
		var calls int64
		var run, plan float64
		var text string
		_, err = pgx.ForEachRow(rows, []any{&calls, &run, &plan, &text}, func() error {
			text = strings.TrimSpace(text)
			out.note("%s) %6d calls, %5.0f µs to run, %5.0f µs to plan: %s", row, calls, 1000*run/float64(calls),
				1000*plan/float64(calls), text[:min(len(text), 110)])
			return nil
		})
		require.NoError(h.T, err)
	})
}
