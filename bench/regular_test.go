package bench_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/store/batchstore"
)

// waiting is how many regular applications stand in the queue while the rows below measure.
var waiting = flag.Int("waiting", 10_000, "regular applications that wait for a batch")

// regular is row g: what ten thousand waiting cards cost to keep, what they cost the others, and what it
// costs to freeze them.
func regular(h *house, out *table) {
	h.T.Helper()
	alone, bareAlone := h.turns(160, atOnce)
	people := h.enrol(*waiting, h.RegularApplicant)
	before := h.stored()
	_, _, err := loop(len(people), atOnce, func(i int) error { return h.submit(people[i]) })
	require.NoError(h.T, err)
	const parts = 50 // a wait ends when nothing moves any more, however long all of it takes
	for part := range parts {
		h.Until("everybody waits for a batch", func() bool {
			return h.Count("SELECT count(*) FROM application WHERE state = 'waiting'") >= *waiting*(part+1)/parts
		})
	}
	h.settle()
	after := h.stored()
	kept, places := after.since(before, *waiting)
	out.row(fmt.Sprintf("KB of PostgreSQL for each of %d waiting, photo not counted", *waiting), fmt.Sprintf("%.1f KB", kept), "30 KB", kept/30, 1, false)

	beside, bareBeside := h.turns(160, atOnce)
	slower := quantile(beside.each, 0.5).Seconds() / quantile(alone.each, 0.5).Seconds()
	out.row("general card issued beside them, p50 of 16 at once", ms(quantile(beside.each, 0.5)), ms(quantile(alone.each, 0.5)), slower, 1.2, false)
	out.note("g) KB each: %s", places)
	out.note("   without: %s", &alone)
	out.note("   beside:  %s", &beside)
	out.note("   the bare side without: %s", &bareAlone)
	out.note("   the bare side beside:  %s", &bareBeside)

	plain, took := h.plainFreeze(), h.freeze()
	out.row(fmt.Sprintf("freeze of %d cards", *waiting), ms(took), ms(plain), took.Seconds()/plain.Seconds(), 3, false)
}

// sizes are bytes by database and, in ours, by table.
type sizes map[string]int64

// stored measures all databases, Temporal's too. Photos stand apart.
func (h *house) stored() sizes {
	h.T.Helper()
	found := sizes{}
	h.superuser(func(ctx context.Context, c *pgx.Conn) {
		rows, err := c.Query(ctx, `
			SELECT datname::text, pg_database_size(oid) FROM pg_database WHERE NOT datistemplate AND datname <> current_database()
			UNION ALL SELECT relname::text, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`)
		require.NoError(h.T, err)
		var name string
		var bytes int64
		_, err = pgx.ForEachRow(rows, []any{&name, &bytes}, func() error {
			found[name] = bytes
			return nil
		})
		require.NoError(h.T, err)
	})
	return found
}

// since is the growth in KB for each of n, photos not counted, and its larger parts.
func (s sizes) since(before sizes, n int) (kb float64, parts string) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		grown := float64(s[name]-before[name]) / float64(n) / 1024
		if name == "photo" {
			continue
		}
		kb += grown
		if grown >= 0.1 {
			parts += fmt.Sprintf("%s %.1f, ", name, grown)
		}
	}
	return kb, strings.TrimSuffix(parts, ", ")
}

// freeze takes everybody into one batch.
func (h *house) freeze() time.Duration {
	h.T.Helper()
	start := now()
	snap, err := batchstore.Batches{Store: batchstore.Store{DB: h.DB, Vault: h.Vault, Clock: clock.System{}}}.
		Freeze(context.Background(), uuid.Must(uuid.NewV7()))
	took := now().Sub(start)
	require.NoError(h.T, err)
	require.Equal(h.T, *waiting, snap.Cards)
	return took
}

// plainFreeze moves the same rows by one UPDATE … RETURNING with its audit rows, and takes that back.
func (h *house) plainFreeze() (took time.Duration) {
	h.T.Helper()
	h.superuser(func(ctx context.Context, c *pgx.Conn) {
		tx, err := c.Begin(ctx)
		require.NoError(h.T, err)
		start := now()
		tag, err := tx.Exec(ctx, `
			WITH moved AS (UPDATE application SET state = 'producing' WHERE state = 'waiting' RETURNING id)
			INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
			SELECT 'application', id, 0, now(), 'process', 'bench', 'freeze', 'waiting', 'producing', '{}', '', '' FROM moved`)
		took = now().Sub(start)
		require.NoError(h.T, err)
		require.EqualValues(h.T, *waiting, tag.RowsAffected())
		require.NoError(h.T, tx.Rollback(ctx))
		_, err = c.Exec(ctx, "VACUUM application, audit_entry") // what was taken back must not cost the other side
		require.NoError(h.T, err)
	})
	return took
}
