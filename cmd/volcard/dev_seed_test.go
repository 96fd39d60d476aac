package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
)

// A start after the first one names what is true now, not what the first one made.
func TestLoginsAreThoseOfNow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p := &parts{db: storetest.New(t), vault: storetest.Vault(t), clock: clock.System{}}
	p.cards = cardstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	require.NoError(t, placestore.Seed(ctx, p.db, p.clock))
	secrets, err := demoSecrets(filepath.Join(t.TempDir(), "totp.json"))
	require.NoError(t, err)
	first, err := p.seed(ctx, secrets)
	require.NoError(t, err)
	require.Len(t, first, 7)
	for _, l := range first {
		require.Equal(t, demoPassword, l.Password, l.Account)
	}
	require.Equal(t, secrets.Clerk, first[3].Second)

	// Somebody changes a password, the administrator moves the clerk, resets the reviewer, stops the factory.
	people, err := p.people()
	require.NoError(t, err)
	hash, err := people.Hasher.Hash(ctx, "another-one-2")
	require.NoError(t, err)
	other, err := placestore.New(p.db).BranchByCode(ctx, "DEMO-0105")
	require.NoError(t, err)
	b := &pgx.Batch{}
	b.Queue("UPDATE person SET password_hash = $1 WHERE name = $2", hash, demoPeople[0].name)
	b.Queue("UPDATE staff SET branch_id = $1 WHERE login = 'clerk'", other.ID)
	b.Queue("UPDATE staff SET password_hash = $1, totp_secret = (SELECT totp_secret FROM staff WHERE login = 'admin') WHERE login = 'reviewer'", hash)
	b.Queue("UPDATE staff SET disabled_at = now() WHERE login = 'factory'")
	require.NoError(t, p.db.SendBatch(ctx, b).Close())

	want := slices.Clone(first)
	want[0].Password, want[3].Audience = otherPassword, "clerk, "+other.Name
	want[5].Password, want[5].Second, want[6].Password = otherPassword, secrets.Admin, otherPassword
	for range 7 { // more often than a password may be tried
		again, err := p.seed(ctx, secrets)
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
}
