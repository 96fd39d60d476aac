package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/internal/devstack"
	"volcard/test/world"
)

// poolSize is the api's default; the bare sides have as many connections.
const poolSize = 10

// bareFlows is the least that a durable process costs: a workflow with one local activity, which
// is one transaction of two inserts, started eagerly, with the house's settings of the worker.
type bareFlows struct {
	client client.Client
	pool   *pgxpool.Pool
}

const (
	bareQueue = "bare"
	bareFlow  = "Bare"
)

func newBareFlows(t *testing.T, w *world.World) *bareFlows {
	t.Helper()
	ctx := context.Background()
	owner, err := pgx.Connect(ctx, w.Postgres.OwnerURL())
	require.NoError(t, err)
	defer owner.Close(ctx)
	_, err = owner.Exec(ctx, `
		CREATE SCHEMA bare;
		CREATE TABLE bare.item (id uuid PRIMARY KEY, person_id uuid NOT NULL, state text NOT NULL, at timestamptz NOT NULL);
		CREATE TABLE bare.entry (id uuid PRIMARY KEY, item_id uuid NOT NULL REFERENCES bare.item, action text NOT NULL, at timestamptz NOT NULL);
		GRANT USAGE ON SCHEMA bare TO volcard_app;
		GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA bare TO volcard_app`)
	require.NoError(t, err)
	b := &bareFlows{pool: barePool(t, w.Postgres.AppURL())}
	b.client, err = client.Dial(client.Options{
		HostPort: w.Temporal.Address(), Namespace: devstack.Namespace, Logger: tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	run := worker.New(b.client, bareQueue, worker.Options{
		MaxConcurrentWorkflowTaskPollers: 4, MaxConcurrentWorkflowTaskExecutionSize: 200, MaxConcurrentLocalActivityExecutionSize: 100,
	})
	run.RegisterWorkflowWithOptions(b.flow, workflow.RegisterOptions{Name: bareFlow})
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		run.Stop()
		b.client.Close()
		b.pool.Close()
	})
	return b
}

func barePool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	cfg.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	require.NoError(t, err)
	return pool
}

func (b *bareFlows) flow(ctx workflow.Context, id uuid.UUID) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
	return workflow.ExecuteLocalActivity(ctx, b.insert, id).Get(ctx, nil)
}

func (b *bareFlows) insert(ctx context.Context, id uuid.UUID) error {
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO bare.item (id, person_id, state, at) VALUES ($1, $1, 'ready', now())", id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO bare.entry (id, item_id, action, at) VALUES ($1, $1, 'issue', now())", id)
		return err
	})
}

// run starts a workflow and returns when it is done.
func (b *bareFlows) run() error {
	ctx := context.Background()
	id := uuid.Must(uuid.NewV7())
	run, err := b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "bare:" + id.String(), TaskQueue: bareQueue, EnableEagerStart: true,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
	}, bareFlow, id)
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

// envBare makes this program serve the bare pages: its value is the database's URL.
const envBare = "VOLCARD_BENCH_BARE"

// bareServer is the least that a page from the database costs: chi, one SELECT, a line of text, in a
// process of its own as the api is.
func bareServer(t *testing.T, databaseURL string) (url string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envBare+"="+databaseURL)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line := make([]byte, 64)
	n, err := out.Read(line)
	require.NoError(t, err)
	return "http://" + strings.TrimSpace(string(line[:n]))
}

func serveBare(databaseURL string) int {
	ctx := context.Background()
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return 1
	}
	cfg.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return 1
	}
	r := chi.NewRouter()
	r.Get("/{id}", func(w http.ResponseWriter, r *http.Request) {
		var number, state string
		err := pool.QueryRow(r.Context(), "SELECT number, state FROM application WHERE id = $1", chi.URLParam(r, "id")).Scan(&number, &state)
		if err != nil {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, "%s %s\n", number, state)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	_ = server.Serve(l)
	return 1
}
