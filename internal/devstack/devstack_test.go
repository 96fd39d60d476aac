package devstack_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"volcard/internal/devstack"
	"volcard/internal/devstack/stacktest"
	"volcard/internal/store"
)

func query[T any](t *testing.T, url, sql string) (T, error) {
	t.Helper()
	ctx := context.Background()
	var v T
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return v, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, sql).Scan(&v)
	return v, err
}

func run(t *testing.T, url, sql string) error {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func TestRowsOutliveStopAndKill(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := stacktest.StartPostgres(t)
	pg := s.Postgres
	url := pg.OwnerURL()
	require.NoError(t, run(t, url, "CREATE TABLE kept (n int)"))
	require.NoError(t, run(t, url, "INSERT INTO kept (n) VALUES (1)"))

	require.NoError(t, pg.Stop())
	again, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{
		Dir: filepath.Join(s.Dir, "postgres"), Log: filepath.Join(s.Dir, "postgres.log"), Durable: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Stop()) })
	require.Equal(t, url, again.OwnerURL(), "clients find it where it was")
	require.NoError(t, run(t, url, "INSERT INTO kept (n) VALUES (2)"))

	again.Kill()
	require.Error(t, run(t, url, "SELECT 1"), "nothing of it answers any more")
	require.NoError(t, again.Restart(ctx))
	n, err := query[int](t, url, "SELECT sum(n) FROM kept")
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestSecondServerOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	s := stacktest.StartPostgres(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // does not wait for the first to leave
	_, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{
		Dir: filepath.Join(s.Dir, "postgres"), Log: filepath.Join(s.Dir, "second.log"),
	})
	require.ErrorContains(t, err, "another PostgreSQL")
	n, err := query[int](t, s.Postgres.OwnerURL(), "SELECT 1")
	require.NoError(t, err, "the first is unharmed")
	require.Equal(t, 1, n)
}

func TestStalePidFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	s := stacktest.StartPostgres(t)
	require.NoError(t, s.Postgres.Stop())
	// As after a power cut, when another process has got the number since: this one.
	pidFile := filepath.Join(s.Dir, "postgres", "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600))
	require.NoError(t, s.Postgres.Restart(context.Background()))
}

func TestRolesHaveOnlyTheirRights(t *testing.T) {
	t.Parallel()
	pg := stacktest.StartPostgres(t).Postgres
	require.NoError(t, store.Migrate(context.Background(), pg.OwnerURL()))
	for _, c := range []struct {
		who, url, sql string
		allowed       bool
	}{
		{"owner", pg.OwnerURL(), "CREATE TABLE extra (n int)", true},
		{"owner", pg.OwnerURL(), "CREATE ROLE another", false},
		{"app", pg.AppURL(), "SELECT count(*) FROM application", true},
		{"app", pg.AppURL(), "CREATE TABLE more (n int)", false},
		{"app", pg.AppURL(), "DELETE FROM audit_entry", false},
		{"app", pg.AppURL(), "DROP TABLE extra", false},
		{"audit", pg.AuditURL(), "SELECT count(*) FROM audit_entry", true},
		{"audit", pg.AuditURL(), "DELETE FROM application", false},
		{"audit", pg.AuditURL(), "SET default_transaction_read_only = off; DELETE FROM application", false},
		{"app on temporal's database", pg.URL("volcard_app", "temporal"), "SELECT 1", false},
		{"temporal on our database", pg.URL("temporal", "volcard"), "SELECT 1", false},
	} {
		err := run(t, c.url, c.sql)
		if c.allowed {
			require.NoError(t, err, "%s: %s", c.who, c.sql)
		} else {
			require.Error(t, err, "%s: %s", c.who, c.sql)
		}
	}
}

func TestSocketIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir, _ := stacktest.StartPostgres(t).Postgres.Socket()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestTemporalKeepsItsAddressAndItsWorkflows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := stacktest.Start(t)
	c, err := client.DialContext(ctx, client.Options{HostPort: s.Temporal.Address(), Namespace: devstack.Namespace})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}, "Waits")
	require.NoError(t, err)

	address := s.Temporal.Address()
	s.Temporal.Kill()
	s.Postgres.Kill()
	require.NoError(t, s.Postgres.Restart(ctx))
	require.NoError(t, s.Temporal.Restart(ctx))
	require.Equal(t, address, s.Temporal.Address())
	found, err := c.DescribeWorkflowExecution(ctx, "kept", "")
	require.NoError(t, err)
	require.Equal(t, "Waits", found.GetWorkflowExecutionInfo().GetType().GetName())

	require.NoError(t, s.Temporal.Pause())
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.DescribeWorkflowExecution(stopped, "kept", "")
	require.Error(t, err)
	require.NoError(t, s.Temporal.Resume())
	_, err = c.DescribeWorkflowExecution(ctx, "kept", "")
	require.NoError(t, err)
}

// The number of history shards is a database's for good: a new one gets what is asked for, one that exists
// keeps its own, with its workflows, whatever the settings say later.
func TestHistoryShardsStay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ first, later, want int }{
		"a new installation": {first: 512, later: 4, want: 512},
		"one of before":      {first: 0, later: 512, want: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := stacktest.StartWith(t, devstack.TemporalOptions{Shards: tt.first})
			require.Equal(t, tt.want, shards(t, s.Temporal, "before"))
			require.NoError(t, s.Temporal.Stop())

			o := devstack.TemporalOptions{Postgres: s.Postgres, Log: filepath.Join(s.Dir, "later.log"), Shards: tt.later}
			later, err := devstack.StartTemporal(ctx, o)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, later.Stop()) })
			require.Equal(t, tt.want, shards(t, later, "after"))
			c, err := client.DialContext(ctx, client.Options{HostPort: later.Address(), Namespace: devstack.Namespace})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.DescribeWorkflowExecution(ctx, "before", "")
			require.NoError(t, err, "a workflow of before is found")
		})
	}
}

// shards starts a workflow and returns how many history shards the server has.
func shards(t *testing.T, server *devstack.Temporal, workflow string) int {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: server.Address(), Namespace: devstack.Namespace})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflow, TaskQueue: "nobody"}, "Waits")
	require.NoError(t, err)
	info, err := c.WorkflowService().GetClusterInfo(t.Context(), &workflowservice.GetClusterInfoRequest{})
	require.NoError(t, err)
	return int(info.GetHistoryShardCount())
}

func TestLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, err := devstack.AcquireLock(dir)
	require.NoError(t, err)
	require.NoError(t, first.Say("http://localhost:8080"))
	_, err = devstack.AcquireLock(dir)
	var running *devstack.RunningError
	require.ErrorAs(t, err, &running)
	require.Contains(t, err.Error(), "http://localhost:8080")
	require.NotContains(t, err.Error(), "\n", "one sentence")
	require.NoError(t, first.Release())
	second, err := devstack.AcquireLock(dir)
	require.NoError(t, err)
	require.NoError(t, second.Release())
}

// TestHelperParent is not a test of its own: TestNothingOutlivesItsParent runs it as a process
// and kills that.
func TestHelperParent(t *testing.T) {
	dir := os.Getenv("VOLCARD_TEST_PARENT_DIR")
	if dir == "" {
		t.Skip("only as a process of TestNothingOutlivesItsParent")
	}
	pg, err := devstack.StartPostgres(context.Background(), devstack.PostgresOptions{
		Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "postgres.log"),
	})
	require.NoError(t, err)
	tp, err := devstack.StartTemporal(context.Background(), devstack.TemporalOptions{
		Postgres: pg, Log: filepath.Join(dir, "temporal.log"),
	})
	require.NoError(t, err)
	fmt.Println("ready", tp.Address())
	<-pg.Done()
}

func TestNothingOutlivesItsParent(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("only Linux tells children of their parent's death")
	}
	dir := t.TempDir()
	parent := startHelper(t, dir)
	pids := processesOf(t, parent.Process.Pid)
	require.Greater(t, len(pids), 5, "the servers and what they started")
	require.NoError(t, parent.Process.Signal(syscall.SIGKILL))
	_ = parent.Wait()
	// The next start waits for the old server to leave, and fails if it stays.
	pg, err := devstack.StartPostgres(context.Background(), devstack.PostgresOptions{
		Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "postgres.log"),
	})
	require.NoError(t, err)
	require.NoError(t, pg.Stop())
	require.Eventually(t, func() bool { return len(alive(pids)) == 0 }, patience, tick, "left: %v", alive(pids))
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	require.NoError(t, err)
	require.NotContains(t, string(log), "not properly shut down", "it was shut down, not killed")
}
