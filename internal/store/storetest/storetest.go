// Package storetest gives each test a migrated PostgreSQL database of its own. Databases are
// copied from one template, so a test pays some 50 ms and never sees another test's rows.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
	"volcard/internal/vault"
)

// EnvURL names the variable with the URL of a server on which databases may be made.
// `make test` sets it.
const EnvURL = "VOLCARD_TEST_DATABASE"

var (
	template     sync.Once
	templateName string
	templateErr  error
)

// New returns a pool on a new database, as the role that the program works with. The database
// is dropped when the test ends. Without a server the test is skipped on a laptop and fails in CI.
func New(t testing.TB) *store.DB {
	t.Helper()
	db, _ := NewWithURL(t)
	return db
}

// NewWithURL is New, and tells the owner's URL of the database as well.
func NewWithURL(t testing.TB) (db *store.DB, ownerURL string) {
	t.Helper()
	server := os.Getenv(EnvURL)
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set: run the tests through `make test`", EnvURL)
		}
		t.Skipf("%s is not set: run the tests through `make test`", EnvURL)
	}
	ctx := context.Background()
	template.Do(func() { templateErr = makeTemplate(ctx, server) })
	if templateErr != nil {
		t.Fatalf("template database: %v", templateErr)
	}
	name := "t_" + strings.ReplaceAll(uuid.Must(uuid.NewV4()).String(), "-", "")
	admin(t, server, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, templateName))
	ownerURL = withDatabase(server, name, "")
	// The copy has an OID of its own; nothing was issued by either.
	admin(t, ownerURL, "UPDATE database_identity SET database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())")
	db, err := store.Open(ctx, withDatabase(server, name, "volcard_app"), 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Close()
		admin(t, server, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
	})
	return db, ownerURL
}

// Vault returns a vault with keys of its own.
func Vault(t testing.TB) *vault.Vault {
	t.Helper()
	keyset, index, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(keyset, index)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// makeTemplate migrates one database for this test binary. It has a name of its own, so that
// packages tested at once do not wait for each other.
func makeTemplate(ctx context.Context, server string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	templateName = fmt.Sprintf("template_%d_%s", os.Getpid(), strings.ReplaceAll(uuid.Must(uuid.NewV4()).String()[:8], "-", ""))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+templateName); err != nil {
		return err
	}
	return store.Migrate(ctx, withDatabase(server, templateName, ""))
}

func admin(t testing.TB, server, sql string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
		return
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

// withDatabase puts another database, and another role where one is given, into a URL.
func withDatabase(server, database, role string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + database
	if role != "" {
		u.User = url.User(role)
	}
	// A machine that runs all packages at once may let a connection wait.
	q := u.Query()
	q.Set("connect_timeout", "60")
	u.RawQuery = q.Encode()
	return u.String()
}
