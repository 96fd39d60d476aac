package store_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/storetest"
)

// A server that cannot write a megabyte, or no row at all, is not ready. A limit of the server stands for the full disk:
// it refuses the same write, with an error of the same class (53).
func TestWritable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first := storetest.New(t)
	require.NoError(t, first.Writable(ctx))
	var name string
	require.NoError(t, first.QueryRow(ctx, "SELECT current_database()").Scan(&name))
	superuser, err := pgx.Connect(ctx, os.Getenv(storetest.EnvURL))
	require.NoError(t, err)
	defer superuser.Close(ctx)
	for _, setting := range []string{"temp_file_limit = '512kB'", "default_transaction_read_only = on"} {
		_, err := superuser.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" SET "+setting)
		require.NoError(t, err)
		db, err := store.Open(ctx, first.Config().ConnString(), 1) // settings hold from the next connection on
		require.NoError(t, err)
		require.NoError(t, db.Ping(ctx), setting)
		err = db.Writable(ctx)
		require.True(t, fault.Is(err, fault.Unavailable), "%s: %v", setting, err)
		db.Close()
		_, err = superuser.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" RESET ALL")
		require.NoError(t, err)
	}
}
