package main

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/audit"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/photo/demo"
	"volcard/internal/store"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
	"volcard/internal/store/verifystore"
	"volcard/internal/vault"
)

// site is one database with what issues cards on it.
type site struct {
	stage.Works
	ring *credential.Keyring
}

func newSite(t *testing.T, db *store.DB, v *vault.Vault, now *clock.Fake) *site {
	t.Helper()
	keys := keystore.Store{DB: db, Vault: v, Clock: now}
	require.NoError(t, keys.Ensure(t.Context(), store.Process("test")))
	p := &parts{keys: credential.NewKeyring(keys)}
	require.NoError(t, p.keys.Refresh(t.Context()))
	return &site{Works: stage.On(t, db, v, now, p.sign), ring: p.keys}
}

// issue makes n cards for people whom no other site of the test knows, in one batch, and returns every number that
// was drawn for them.
func (s *site) issue(branch uuid.UUID, first, n int) (numbers []string) {
	s.T.Helper()
	for i := range n {
		a := s.Apply("王五", storetest.IDNumber(first+i), branch, demo.Portrait(0))
		numbers = append(numbers, s.CardNumber(a), a.Number)
	}
	batch := s.Freeze()
	return append(numbers, s.Texts("SELECT number FROM batch WHERE id = '"+batch.String()+"'")...)
}

// script runs a script of deploy as an operator would.
func script(t *testing.T, environment []string, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "deploy", name), args...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// program builds the program that the scripts call.
func program(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"pg_dump", "pg_restore", "psql"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "" {
			t.Skipf("%s is not installed", tool)
		}
	}
	path := filepath.Join(t.TempDir(), "volcard")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// emptyDatabase makes a database beside another one, and returns its owner's URL and the one of a role.
func emptyDatabase(t *testing.T, beside string) (ownerURL string, as func(role string) string) {
	t.Helper()
	name := "r_" + strings.ReplaceAll(uuid.Must(uuid.NewV4()).String(), "-", "")
	conn, err := pgx.Connect(t.Context(), beside)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
		_ = conn.Close(context.Background())
	})
	u, err := url.Parse(beside)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String(), func(role string) string {
		other := *u
		other.User = url.User(role)
		return other.String()
	}
}

// What the scripts bring back issues no number twice, refuses the tokens of what was lost, and has clean books; the
// second time from the same backup as well.
func TestRestoreByTheScripts(t *testing.T) {
	binary := program(t)
	// The program that the scripts call has the time of the machine.
	ctx, now := t.Context(), clock.NewFake(clock.System{}.Now().Truncate(time.Second))
	v := storetest.Vault(t)
	db, lostURL := storetest.NewWithURL(t)
	lost := newSite(t, db, v, now)
	branch := lost.Rows.Branch("光谷支行")
	before := lost.issue(branch, 1, 2)

	folder := t.TempDir()
	out, err := script(t, []string{"VOLCARD_DATABASE_OWNER_URL=" + lostURL}, "backup.sh", folder)
	require.NoError(t, err, out)
	backup := strings.TrimSpace(out)
	now.Advance(time.Minute)
	drawn := map[string]bool{}
	for _, number := range append(before, lost.issue(branch, 10, 3)...) {
		require.False(t, drawn[number])
		drawn[number] = true
	}
	tokens := lost.Texts("SELECT token FROM card ORDER BY number")
	// An api that is still connected keeps the script from going on.
	out, err = script(t, []string{"VOLCARD_DATABASE_OWNER_URL=" + lostURL, "VOLCARD=" + binary}, "restore.sh", backup)
	require.Error(t, err)
	require.Contains(t, out, "stop all of them first")

	for round := range 2 {
		now.Advance(time.Minute)
		ownerURL, as := emptyDatabase(t, lostURL)
		out, err = script(t, []string{
			"VOLCARD_DATABASE_OWNER_URL=" + ownerURL, "VOLCARD=" + binary, "RESTORE_GAP=1000",
		}, "restore.sh", backup)
		require.NoError(t, err, out)
		restored, err := store.Open(ctx, as("volcard_app"), 4)
		require.NoError(t, err)
		defer restored.Close()
		confirmed, err := store.Confirmed(ctx, restored)
		require.NoError(t, err)
		require.True(t, confirmed)

		site := newSite(t, restored, v, now)
		for _, number := range site.issue(branch, 100*(round+1), 4) {
			require.False(t, drawn[number], "round %d: %s was issued before", round, number)
			drawn[number] = true
		}
		cards := verifystore.Store{DB: restored}
		statuses, err := cards.Statuses(ctx)
		require.NoError(t, err)
		list, err := site.ring.SignStatusList(statuses, "https://volcard.example.cn/list", now.Now())
		require.NoError(t, err)
		_, _, status, err := site.ring.ReadStatusList(list.Data)
		require.NoError(t, err)
		for i, token := range tokens {
			claims, err := credential.Peek(token)
			require.NoError(t, err)
			row, known, err := cards.Lookup(ctx, claims.CardNumber)
			require.NoError(t, err)
			gone, err := cards.RangeRevoked(ctx, claims.CardNumber)
			require.NoError(t, err)
			said, covered := status(claims.CardNumber)
			require.True(t, covered)
			if i < 2 {
				require.Equal(t, token, row.Token, "a card of the backup is as good as before")
				require.Empty(t, said)
				continue
			}
			require.False(t, known)
			require.True(t, gone)
			require.Equal(t, "cancelled", said)
		}
		tokens = append(tokens, site.Texts("SELECT token FROM card WHERE NOT card_number_revoked(number) ORDER BY number OFFSET 2")...)
		findings, err := audit.Run(ctx, as("volcard_audit"), audit.Options{Now: now.Now()})
		require.NoError(t, err)
		require.Empty(t, findings)

		out, err = script(t, []string{"VOLCARD_DATABASE_OWNER_URL=" + ownerURL, "VOLCARD=" + binary}, "restore.sh", backup)
		require.Error(t, err, "it is in use")
		require.NotContains(t, out, "confirmed;")
	}

	// Point-in-time recovery and a copied data directory look like a promoted standby: the script moves them on too.
	out, err = script(t, []string{"VOLCARD_DATABASE_OWNER_URL=" + lostURL, "VOLCARD=" + binary}, "restore.sh", "--recovered")
	require.Error(t, err, out)
	db.Close()
	reached := filepath.Join(folder, "recovered")
	out, err = script(t, []string{
		"VOLCARD_DATABASE_OWNER_URL=" + lostURL, "VOLCARD=" + binary, "RESTORE_REACHED=" + reached,
	}, "restore.sh", "--recovered")
	require.NoError(t, err, out)
	require.Contains(t, out, "sequences 6 to 100005 are revoked")
	kept, err := os.ReadFile(reached)
	require.NoError(t, err)
	require.Equal(t, "100005\n", string(kept))
}
