package bench_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/credential"
	"volcard/internal/store"
	"volcard/internal/store/verifystore"
)

const (
	listedCards = 6_000_000
	listedBytes = 400_000
)

// statusList is row l: the list of six million cards of which every twentieth is not in force, from the rows to
// the signed message, and an unchanged one. The cards stand in a database of their own: nobody applied for them.
func statusList(h *house, out *table) {
	h.T.Helper()
	ctx := context.Background()
	h.superuser(func(ctx context.Context, c *pgx.Conn) {
		_, err := c.Exec(ctx, "CREATE DATABASE listed")
		require.NoError(h.T, err)
	})
	url := h.Postgres.URL("postgres", "listed")
	require.NoError(h.T, store.Migrate(ctx, url))
	db, err := store.Open(ctx, url, 2)
	require.NoError(h.T, err)
	defer db.Close()
	for _, sql := range []string{
		"ALTER TABLE card DISABLE TRIGGER ALL",
		fmt.Sprintf(`
			INSERT INTO card (id, number, application_id, person_id, edition, holder_name, volunteer_no, status, content_hash, token, kid,
			                  issued_at, expires_at, status_at)
			SELECT gen_random_uuid(), '4226' || lpad(n::text, 8, '0') || '00', gen_random_uuid(), gen_random_uuid(), 'general', '王五', 'V',
			       (ARRAY['suspended', 'replaced', 'cancelled'])[1 + n %% 3], '', repeat('A', 176), 'K', now(), now(), now()
			  FROM (SELECT DISTINCT (hashint8(i)::bigint + 2147483648) %% %d AS n FROM generate_series(1, %d) i) picked`, listedCards, listedCards/20),
		fmt.Sprintf("SELECT setval('card_number_seq', %d)", listedCards),
		"VACUUM ANALYZE card",
	} {
		_, err := db.Exec(ctx, sql)
		require.NoError(h.T, err)
	}
	at := now()
	ring := credential.NewKeyring(oneKey{credential.NewKey(make([]byte, 32), at)})
	require.NoError(h.T, ring.Refresh(ctx))
	cards := verifystore.Store{DB: db}
	var made, again []time.Duration
	var size int
	for range *rounds {
		publisher := credential.NewStatusPublisher(ring, cards, "https://volcard.example.cn/.well-known/volcard/status-list")
		start := now()
		list, err := publisher.List(ctx, at)
		require.NoError(h.T, err)
		made = append(made, now().Sub(start))
		size = len(list.Data)
		start = now()
		_, err = publisher.List(ctx, at.Add(time.Hour))
		require.NoError(h.T, err)
		again = append(again, now().Sub(start))
	}
	out.row("status list of 6,000,000 cards, 5 % not in force", fmt.Sprintf("%d KB", size/1000), fmt.Sprintf("%d KB", listedBytes/1000),
		float64(size)/listedBytes, 1, false)
	out.row("the same, made", ms(quantile(made, 0.5)), "1 s", quantile(made, 0.5).Seconds(), 1, false)
	out.note("l) unchanged, signed anew: %s", ms(quantile(again, 0.5)))
}

type oneKey [1]credential.Key

func (k oneKey) Keys(context.Context) ([]credential.Key, error) { return k[:], nil }
