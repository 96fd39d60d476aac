// Package stacktest gives a test of whole processes a PostgreSQL and a Temporal server of its own.
package stacktest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"volcard/internal/devstack"
)

// Stack is a pair of servers that ends with the test.
type Stack struct {
	Postgres *devstack.Postgres
	Temporal *devstack.Temporal
	Dir      string // of data and logs; kept by the testing package until the test has ended
}

// Start starts both, empty: the database has its roles and no table, Temporal its namespace.
func Start(t testing.TB) *Stack {
	t.Helper()
	return StartWith(t, devstack.TemporalOptions{})
}

// StartWith is Start with Temporal's options, as for the Web UI or for skipped time.
func StartWith(t testing.TB, o devstack.TemporalOptions) *Stack {
	t.Helper()
	return start(t, o, false)
}

// StartDurable is Start on a PostgreSQL that writes as a real one does: for measurements.
func StartDurable(t testing.TB) *Stack {
	t.Helper()
	return start(t, devstack.TemporalOptions{}, true)
}

func start(t testing.TB, o devstack.TemporalOptions, durable bool) *Stack {
	t.Helper()
	s := startPostgres(t, durable)
	binary, err := devstack.FindTemporal(context.Background(), nil)
	if err != nil {
		unavailable(t, err)
	}
	o.Postgres, o.Binary, o.Log = s.Postgres, binary, filepath.Join(s.Dir, "temporal.log")
	s.Temporal, err = devstack.StartTemporal(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Temporal.Stop(); err != nil {
			t.Error(err)
		}
		s.showLog(t, "temporal.log")
	})
	return s
}

// StartReplicated is Start with the project's database on a pair of servers of its own, of which the second follows
// the first; Temporal keeps a third one.
func StartReplicated(t testing.TB) (s *Stack, standby *devstack.Postgres) {
	t.Helper()
	engine := Start(t)
	s = startPostgres(t, false)
	s.Temporal = engine.Temporal
	standby, err := s.Postgres.StartStandby(context.Background(), devstack.PostgresOptions{
		Dir: filepath.Join(s.Dir, "standby"), Log: filepath.Join(s.Dir, "standby.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
		s.showLog(t, "standby.log")
	})
	return s, standby
}

// StartPostgres starts only PostgreSQL; the field Temporal stays nil.
func StartPostgres(t testing.TB) *Stack {
	t.Helper()
	return startPostgres(t, false)
}

func startPostgres(t testing.TB, durable bool) *Stack {
	t.Helper()
	s := &Stack{Dir: t.TempDir()}
	var err error
	s.Postgres, err = devstack.StartPostgres(context.Background(), devstack.PostgresOptions{
		Dir: filepath.Join(s.Dir, "postgres"),
		Log: filepath.Join(s.Dir, "postgres.log"), Durable: durable,
	})
	if errors.Is(err, devstack.ErrNoPostgres) {
		unavailable(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Postgres.Stop(); err != nil {
			t.Error(err)
		}
		s.showLog(t, "postgres.log")
	})
	return s
}

// unavailable ends a test that cannot have its servers: on a laptop it is skipped, in CI, where
// nobody would see that, it fails.
func unavailable(t testing.TB, reason error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func (s *Stack) showLog(t testing.TB, name string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	// The end tells the most; a server whose database was killed writes megabytes.
	const most = 4000
	if text, err := os.ReadFile(filepath.Join(s.Dir, name)); err == nil {
		t.Logf("%s:\n%s", name, text[max(0, len(text)-most):])
	}
}
