package webtest

import (
	"log/slog"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/internal/clock"
	"volcard/internal/store"
	"volcard/internal/store/formstore"
	"volcard/internal/store/sessionstore"
	"volcard/internal/vault"
	"volcard/templates"
)

// Against makes an environment whose clients use a server that runs elsewhere, as another process
// on the same database with the same keys. Its As logs in there without a login page.
func Against(t testing.TB, db *store.DB, v *vault.Vault, url string) *Env {
	t.Helper()
	env := &Env{T: t, DB: db, Vault: v, Log: slog.New(slog.DiscardHandler), URL: url, root: chi.NewRouter()}
	env.Sessions = sessionstore.New(db, clock.System{})
	kit, err := web.New(web.Options{
		Templates: templates.FS, BaseURL: url, Clock: clock.System{}, Log: env.Log, Sessions: env.Sessions, Forms: formstore.New(env.DB, clock.System{}), Vault: v,
	})
	require.NoError(t, err)
	env.Kit = kit
	return env
}
