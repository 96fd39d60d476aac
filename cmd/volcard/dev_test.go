package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/config"
)

func TestColumnsCountCells(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeColumns(&b, [][]string{{"who", "page"}, {"王𠮷", "/login"}, {"a·b", "/x"}})
	require.Equal(t, "  who   page\n  王𠮷  /login\n  a·b   /x\n", b.String())
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	first, err := openSecrets(dir)
	require.NoError(t, err)
	for _, path := range []string{first.keyset, first.indexKey} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	before, err := os.ReadFile(first.keyset)
	require.NoError(t, err)
	second, err := openSecrets(dir)
	require.NoError(t, err)
	after, err := os.ReadFile(second.keyset)
	require.NoError(t, err)
	require.Equal(t, before, after)

	require.NoError(t, os.Remove(second.indexKey))
	_, err = openSecrets(dir)
	require.ErrorContains(t, err, "incomplete", "a new index key would not find what the old one indexed")
}

// What dev makes goes before what it finds, the rest is passed on, and the program takes both.
func TestEnvironmentIsTakenByTheProcesses(t *testing.T) {
	t.Parallel()
	s, err := openSecrets(filepath.Join(t.TempDir(), "secrets"))
	require.NoError(t, err)
	e := makeEnvironment([]string{
		"VOLCARD_DATABASE_URL=postgres://elsewhere/volcard", "VOLCARD_DATABASE_AUDIT_URL_FILE=/nowhere", "VOLCARD_VAULT_KEYSET={}",
		"VOLCARD_PICKUP_PERIOD=20d", "HOME=/home/somebody", "TEMPORAL_API_KEY=of-another", "TEMPORAL_TLS_CERT=/another",
	}, map[string]string{
		"VOLCARD_DATABASE_URL": "postgres://volcard_app@/volcard?host=/run/db", "VOLCARD_DATABASE_AUDIT_URL": "postgres://volcard_audit@/volcard?host=/run/db",
		"VOLCARD_VAULT_KEYSET_FILE": s.keyset, "VOLCARD_VAULT_INDEX_KEY_FILE": s.indexKey, "VOLCARD_DEMO": "true", "PORT": "8081",
	})
	worker, err := config.Load[config.Worker](e.list())
	require.NoError(t, err)
	require.Equal(t, "postgres://volcard_app@/volcard?host=/run/db", worker.Database.URL.Reveal())
	require.Nil(t, worker.Temporal.ClientOptions().Credentials, "a key of the developer's own Temporal")
	require.InDelta(t, 20*24, worker.Cards.PickupPeriod.Hours(), 0)
	api, err := config.Load[config.API](e.list())
	require.NoError(t, err)
	require.Equal(t, "http://localhost:8081", api.HTTP.Public.BaseURL)

	path := filepath.Join(t.TempDir(), "env")
	require.NoError(t, e.write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "VOLCARD_DATABASE_URL='postgres://volcard_app@/volcard?host=/run/db'\n")
	require.NotContains(t, string(text), "HOME=")
}
