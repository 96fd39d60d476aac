package reseal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/store"
	"volcard/internal/store/reseal"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
)

var (
	ctx = context.Background()
	at  = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
)

// Every column of bytes is either sealed or known not to need it, and no entry outlives its column.
func TestColumnsAreTheSchema(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	rows, err := db.Query(ctx, `
		SELECT table_name || '.' || column_name FROM information_schema.columns
		 WHERE table_schema = 'public' AND data_type = 'bytea'`)
	require.NoError(t, err)
	defer rows.Close()
	known := map[string]bool{}
	for _, c := range reseal.Columns() {
		require.False(t, known[c.Label()], "%s twice", c.Label())
		known[c.Label()] = true
	}
	for name, why := range reseal.Plain() {
		require.False(t, known[name], "%s is sealed and not sealed", name)
		require.NotEmpty(t, why)
		known[name] = true
	}
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		require.True(t, known[name], "%s stands in neither list of package reseal: a rotation would lose it", name)
		delete(known, name)
	}
	require.NoError(t, rows.Err())
	require.Empty(t, known, "columns that no longer exist")
}

// What the migrations call sealed is sealed here.
func TestColumnsAreWhatTheMigrationsSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	sealed := map[string]bool{}
	for _, c := range reseal.Columns() {
		sealed[c.Label()] = true
	}
	table := regexp.MustCompile(`^CREATE (?:UNLOGGED )?TABLE (\w+)`)
	column := regexp.MustCompile(`^\s+(\w+)\s+bytea.*--.*\bsealed\b`)
	said := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		name := ""
		for line := range strings.Lines(string(text)) {
			if m := table.FindStringSubmatch(line); m != nil {
				name = m[1]
			}
			if m := column.FindStringSubmatch(line); m != nil {
				said++
				require.True(t, sealed[name+"."+m[1]], "%s.%s", name, m[1])
			}
		}
	}
	require.GreaterOrEqual(t, said, 13)
}

// vaults returns a vault before a rotation, and one after it.
func vaults(t *testing.T) (before, during, after *vault.Vault) {
	t.Helper()
	one, index, err := vault.Generate()
	require.NoError(t, err)
	two, err := vault.Rotate(one)
	require.NoError(t, err)
	three, err := vault.Retire(two)
	require.NoError(t, err)
	list := make([]*vault.Vault, 3)
	for i, set := range [][]byte{one, two, three} {
		list[i], err = vault.New(set, index)
		require.NoError(t, err)
	}
	return list[0], list[1], list[2]
}

func fill(t *testing.T, db *store.DB, v *vault.Vault, messages int) {
	t.Helper()
	for i := range messages {
		require.NoError(t, store.Enqueue(ctx, db, v, store.Message{
			DedupeKey: fmt.Sprint(i), Template: "withdrawn", Phone: fmt.Sprintf("1380000%04d", i), Params: map[string]string{"number": "A"}, At: at,
		}))
	}
	private, err := v.SealString("seed", "signing_key.private_key")
	require.NoError(t, err)
	_, err = db.Exec(ctx, `
		INSERT INTO signing_key (kid, public_key, private_key, created_at, retired_at)
		VALUES ('KEY1', sha256('a'), $1, $2, NULL), ('KEY0', sha256('b'), NULL, $2, $2)`, private, at)
	require.NoError(t, err)
	data, err := v.SealString("{}", "session.data")
	require.NoError(t, err)
	_, err = db.Exec(ctx, "INSERT INTO session (token, data, expires_at, created_at) VALUES ('a''b', $1, $2, $2)", data, at)
	require.NoError(t, err)
}

func total(reports []reseal.Report) (resealed, broken int) {
	for _, r := range reports {
		resealed += r.Resealed
		broken += r.Broken
	}
	return resealed, broken
}

func TestRun(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before, during, after := vaults(t)
	fill(t, db, before, 450)
	left, err := reseal.Left(ctx, db, during)
	require.NoError(t, err)
	require.Equal(t, 902, left)

	// Stopped in the middle of a column: what was done stays done.
	stop, cancel := context.WithCancel(ctx)
	steps := 0
	first, err := reseal.Run(stop, db, during, func(reseal.Report) {
		if steps++; steps == 3 {
			cancel()
		}
	})
	require.Error(t, err)
	done, _ := total(first)
	require.Positive(t, done)
	require.Less(t, done, 902)

	rest, err := reseal.Run(ctx, db, during, nil)
	require.NoError(t, err)
	more, broken := total(rest)
	require.Equal(t, 902, done+more)
	require.Zero(t, broken)

	again, err := reseal.Run(ctx, db, during, nil)
	require.NoError(t, err)
	none, broken := total(again)
	require.Zero(t, none+broken, "a second run finds nothing to do")
	left, err = reseal.Left(ctx, db, during)
	require.NoError(t, err)
	require.Zero(t, left)

	// The old key is gone, and everything can be read.
	rows, err := db.Query(ctx, "SELECT phone, params FROM message ORDER BY dedupe_key::int")
	require.NoError(t, err)
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		var phone, params []byte
		require.NoError(t, rows.Scan(&phone, &params))
		got, err := after.UnsealString(phone, store.LabelMessagePhone)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("1380000%04d", i), got)
		_, err = after.Unseal(params, store.LabelMessageParams)
		require.NoError(t, err)
	}
	var private []byte
	require.NoError(t, db.QueryRow(ctx, "SELECT private_key FROM signing_key WHERE kid = 'KEY1'").Scan(&private))
	seed, err := after.UnsealString(private, "signing_key.private_key")
	require.NoError(t, err)
	require.Equal(t, "seed", seed)
}

func TestRunTwiceAtOnceAndBesideWriters(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before, during, after := vaults(t)
	fill(t, db, before, 250)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := reseal.Run(ctx, db, during, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		for i := range 50 {
			sealed, err := during.SealString("13999999999", store.LabelMessagePhone)
			if err == nil {
				_, err = db.Exec(ctx, "UPDATE message SET phone = $2 WHERE dedupe_key = $1", fmt.Sprint(i), sealed)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	rows, err := db.Query(ctx, "SELECT dedupe_key::int, phone FROM message")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var i int
		var phone []byte
		require.NoError(t, rows.Scan(&i, &phone))
		got, err := after.UnsealString(phone, store.LabelMessagePhone)
		require.NoError(t, err)
		want := fmt.Sprintf("1380000%04d", i)
		if i < 50 {
			want = "13999999999"
		}
		require.Equal(t, want, got, "the writer's value stays")
	}
}

func TestBrokenValuesAreCountedAndPassed(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before, during, _ := vaults(t)
	fill(t, db, before, 3)
	_, err := db.Exec(ctx, `
		INSERT INTO outbox_page (id, phone, body, sent_at) VALUES ($1, 'never sealed', '', $2)`, uuid.Must(uuid.NewV7()), at)
	require.NoError(t, err)
	reports, err := reseal.Run(ctx, db, during, nil)
	require.NoError(t, err)
	resealed, broken := total(reports)
	require.Equal(t, 8, resealed)
	require.Equal(t, 2, broken)
}
