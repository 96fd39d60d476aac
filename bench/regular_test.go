package bench_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/photo/demo"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/test/world"
)

// waiting is how many regular applications stand in the queue while the rows below measure.
var waiting = flag.Int("waiting", 10_000, "regular applications that wait for a batch")

// face is any face of the regular edition: nothing is printed here.
type face struct{}

func (face) Offered(string) bool { return true }

func (face) Hash(d cardstore.Design) ([32]byte, error) {
	return sha256.Sum256([]byte(d.Face + d.HolderName + d.VolunteerNo)), nil
}

// regular is row g: what ten thousand waiting cards cost to keep, what they cost the others, and what it
// costs to freeze them.
func regular(h *house, out *table) {
	h.T.Helper()
	alone, _ := h.turns(160, atOnce)
	people := h.queuers(*waiting)
	before := h.stored()
	h.submitRegular(people)
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

	beside, _ := h.turns(160, atOnce)
	slower := quantile(beside.each, 0.5).Seconds() / quantile(alone.each, 0.5).Seconds()
	out.row("general card issued beside them, p50 of 16 at once", ms(quantile(beside.each, 0.5)), ms(quantile(alone.each, 0.5)), slower, 1.2, false)
	out.note("g) KB each: %s", places)
	out.note("   without: %s", &alone)
	out.note("   beside:  %s", &beside)

	plain, took := h.plainFreeze(), h.freeze()
	out.row(fmt.Sprintf("freeze of %d cards", *waiting), ms(took), ms(plain), took.Seconds()/plain.Seconds(), 3, false)
}

// queuer is a person with a photo and a complete draft of a regular card.
type queuer struct {
	id   uuid.UUID
	form [32]byte
}

func (h *house) submissions() cardstore.Submissions {
	built := calendar.New(calendar.BuiltIn()...)
	return cardstore.Submissions{Store: h.Cards(), Regular: cardstore.Regular{
		Designs: face{}, Terms: card.DefaultRegularTerms(),
		Calendar: func(context.Context) (*calendar.Calendar, error) { return built, nil },
	}}
}

// queuers registers people, and stores their photos and drafts.
func (h *house) queuers(n int) []queuer {
	h.T.Helper()
	ctx := context.Background()
	first, jpeg := h.people, demo.Portrait(0)
	h.people += n
	list := make([]queuer, n)
	h.inParallel(n, func(i int) {
		q := queuer{id: h.Rows.Person("阿卜杜热合曼·买买提", world.IDNumber(first+i))}
		d := card.Draft{
			Edition: card.Regular, Identity: card.Student, PhotoID: h.Rows.Photo(q.id, "clear", jpeg), Face: "any",
			NoticeVersion: card.NoticeVersion, Phone: "13800000000", PhoneVerifiedAt: clock.System{}.Now(),
			UniversityCode: world.University, DivisionCode: "420106", Address: "八一路299号", BranchID: h.Branch,
		}
		_, err := cardstore.Drafts{Store: h.Cards()}.Save(ctx, q.id, d, 0)
		require.NoError(h.T, err)
		facts, err := h.submissions().Facts(ctx, q.id, d)
		require.NoError(h.T, err)
		q.form = card.ContentHash(d, facts)
		list[i] = q
	})
	return list
}

// submitRegular accepts the applications and starts their processes, as the api does.
func (h *house) submitRegular(people []queuer) {
	h.T.Helper()
	ctx := context.Background()
	processes := h.Processes(world.Queue)
	h.inParallel(len(people), func(i int) {
		a, reasons, err := h.submissions().Submit(ctx, cardstore.Submission{
			PersonID: people[i].id, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: people[i].form,
		})
		require.NoError(h.T, err)
		require.Empty(h.T, reasons)
		require.NoError(h.T, processes.StartCardApplication(ctx, a.ID))
	})
}

func (h *house) inParallel(n int, do func(i int)) {
	const lanes = 8
	var all sync.WaitGroup
	for k := range lanes {
		all.Go(func() {
			for i := k; i < n; i += lanes {
				do(i)
			}
		})
	}
	all.Wait()
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
