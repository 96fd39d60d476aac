// Package world starts the whole system as it runs in production — processes of the real program
// on a real PostgreSQL and a real Temporal — and lets a test act in it as people do, kill parts of
// it, and audit what is left.
package world

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/devstack"
	"volcard/internal/devstack/stacktest"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
)

// World is one running system with a branch, its clerk and a university in it, and whoever acts in it.
type World struct {
	System

	Branch  uuid.UUID
	Clerk   uuid.UUID
	Serials []string

	program string // path of what the processes run
	env     map[string]string
}

// System is what a world stands on, and what must be true of it.
type System struct{ Books }

// Books are the rows and the logs of a world, and what can be asked of them.
type Books struct {
	T        testing.TB
	Postgres *devstack.Postgres
	Temporal *devstack.Temporal
	DB       *store.DB
	Vault    *vault.Vault
	Rows     storetest.Rows
	Dir      string

	shared *shared
}

// shared is what every view of one world has in common.
type shared struct {
	mu     sync.Mutex
	procs  []*Proc
	people atomic.Int64
	engine sync.Once
	client client.Client
	err    error
	// spoiled: a test has planted a fault, so the end finds the books as they are.
	spoiled bool
}

// On is the same world in a subtest: what goes wrong there, goes wrong there.
func (w *World) On(t testing.TB) *World {
	t.Helper()
	view := *w
	view.T, view.Rows.T = t, t
	return &view
}

// At is the same world at another branch, with a clerk and a stock of its own.
func (w *World) At(branch string, stock int) *World {
	w.T.Helper()
	view := *w
	view.Branch = w.Rows.Branch(branch)
	view.Clerk = w.Rows.Clerk("李柜员", view.Branch)
	view.Serials = nil
	if stock > 0 {
		view.Serials = w.Rows.Stock(view.Branch, stock)
	}
	return &view
}

// University is the code of the one that every world has.
const University = "HB001"

// Start brings up PostgreSQL and Temporal, migrates, and adds a branch with stock general cards.
// settings override the processes' environment. No process of ours runs yet. At the test's end the
// world settles and its books are audited, so some worker must run then.
func Start(t testing.TB, stock int, settings map[string]string) *World {
	t.Helper()
	return settling(t, start(t, stacktest.Start(t), Program(t), stock, settings))
}

// StartReplicated is Start on a PostgreSQL with a standby, which has every commit that was acknowledged.
func StartReplicated(t testing.TB, stock int) (w *World, standby *devstack.Postgres) {
	t.Helper()
	stack, standby := stacktest.StartReplicated(t)
	return settling(t, start(t, stack, Program(t), stock, nil)), standby
}

// settling lets a world end with its audit.
func settling(t testing.TB, w *World) *World {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() && !t.Skipped() && !w.shared.spoiled {
			w.WantSettled()
		}
	})
	return w
}

// StartMeasured is Start for a benchmark: the program as people get it, without kill points, on a
// PostgreSQL that survives a loss of power. The program is built before.
func StartMeasured(t testing.TB, program string, stock int, settings map[string]string) *World {
	t.Helper()
	return start(t, stacktest.StartDurable(t), program, stock, settings)
}

func start(t testing.TB, stack *stacktest.Stack, program string, stock int, settings map[string]string) *World {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, store.Migrate(ctx, stack.Postgres.OwnerURL()))
	keyset, index, err := vault.Generate()
	require.NoError(t, err)
	v, err := vault.New(keyset, index)
	require.NoError(t, err)
	db, err := store.Open(ctx, stack.Postgres.AppURL(), 16)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	w := &World{program: program, System: System{Books: Books{
		T: t, Postgres: stack.Postgres, Temporal: stack.Temporal, DB: db, Vault: v, Dir: stack.Dir,
		Rows:   storetest.Rows{T: t, DB: db, Vault: v, Now: clock.System{}.Now()},
		shared: &shared{},
	}}}
	w.env = map[string]string{
		"VOLCARD_DATABASE_URL": stack.Postgres.AppURL(), "VOLCARD_DATABASE_OWNER_URL": stack.Postgres.OwnerURL(),
		"VOLCARD_DATABASE_AUDIT_URL": stack.Postgres.AuditURL(), "VOLCARD_TEMPORAL_ADDRESS": stack.Temporal.Address(),
		"VOLCARD_TEMPORAL_NAMESPACE": devstack.Namespace, "VOLCARD_VAULT_KEYSET": string(keyset),
		"VOLCARD_VAULT_INDEX_KEY": base64.StdEncoding.EncodeToString(index), "VOLCARD_DEMO": "true",
		"VOLCARD_SMS_GATEWAY": "outbox", "VOLCARD_SWEEP_EVERY": "1s", "VOLCARD_SWEEP_AFTER": "2s",
	}
	maps.Copy(w.env, settings)
	w.Branch = w.Rows.Branch("光谷支行")
	w.Clerk = w.Rows.Clerk("李柜员", w.Branch)
	if stock > 0 {
		w.Serials = w.Rows.Stock(w.Branch, stock)
	}
	w.Rows.University(University, "武汉大学")
	t.Cleanup(func() {
		// Asked all at once, they end together.
		for _, p := range w.shared.procs {
			p.Terminate()
		}
		for _, p := range w.shared.procs {
			p.Stop()
		}
		if w.shared.client != nil {
			w.shared.client.Close()
		}
	})
	return w
}

// Proc is one process of the program.
type Proc struct {
	Name string
	URL  string // of the pages; api only
	Ops  string // host:port of the operators' port

	world *World
	kind  string
	env   []string
	log   string
	cmd   *exec.Cmd
	done  chan struct{}
}

// API starts an api and waits until it is ready; settings override this process's environment.
func (w *World) API(settings map[string]string) *Proc {
	w.T.Helper()
	port := freePort(w.T)
	all := map[string]string{"PORT": fmt.Sprint(port), "VOLCARD_BASE_URL": fmt.Sprintf("http://localhost:%d", port)}
	maps.Copy(all, settings)
	p := w.process("api", all)
	p.URL = fmt.Sprintf("http://localhost:%s", all["PORT"])
	p.Start()
	p.Ready()
	return p
}

// Worker starts a worker and waits until it is ready.
func (w *World) Worker(settings map[string]string) *Proc {
	w.T.Helper()
	p := w.process("worker", settings)
	p.Start()
	p.Ready()
	return p
}

func (w *World) process(kind string, settings map[string]string) *Proc {
	w.T.Helper()
	env := maps.Clone(w.env)
	ops := fmt.Sprintf("127.0.0.1:%d", freePort(w.T))
	env["VOLCARD_METRICS_ADDR"] = ops
	maps.Copy(env, settings)
	w.shared.mu.Lock()
	defer w.shared.mu.Unlock()
	p := &Proc{Name: fmt.Sprintf("%s-%d", kind, len(w.shared.procs)), Ops: ops, world: w, kind: kind}
	for k, v := range env {
		p.env = append(p.env, k+"="+v)
	}
	p.env = append(p.env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.log = filepath.Join(w.Dir, p.Name+".log")
	w.shared.procs = append(w.shared.procs, p)
	return p
}

// Start starts the process, or starts it again after its end.
func (p *Proc) Start() {
	t := p.world.T
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer log.Close()
	p.cmd = exec.Command(p.world.program, p.kind)
	p.cmd.Env, p.cmd.Stderr, p.cmd.Stdout = p.env, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.done = make(chan struct{})
	started := make(chan error)
	go func(cmd *exec.Cmd, done chan struct{}) {
		// The death signal is bound to the thread that starts the child.
		runtime.LockOSThread()
		started <- cmd.Start()
		_ = cmd.Wait()
		close(done)
	}(p.cmd, p.done)
	require.NoError(t, <-started)
}

// Without starts the process again without one of its settings.
func (p *Proc) Without(name string) *Proc {
	for i, kv := range p.env {
		if strings.HasPrefix(kv, name+"=") {
			p.env = append(p.env[:i:i], p.env[i+1:]...)
			break
		}
	}
	return p
}

// Ready waits until /readyz says 200.
func (p *Proc) Ready() {
	t := p.world.T
	t.Helper()
	p.world.Until("ready: "+p.Name, func() bool {
		select {
		case <-p.done:
			b, _ := os.ReadFile(p.log)
			t.Fatalf("%s ended:\n%s", p.Name, tail(b))
		default:
		}
		res, err := http.Get("http://" + p.Ops + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// Kill is kill -9.
func (p *Proc) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Terminate asks the process to end.
func (p *Proc) Terminate() {
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// Stop asks the process to end and waits for it.
func (p *Proc) Stop() {
	if p.cmd == nil {
		return
	}
	p.Terminate()
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.Kill()
	}
}

// Pause stops the process as SIGSTOP does; Resume lets it go on.
func (p *Proc) Pause() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

// WantStopped waits until the process has stopped itself, at a kill point that says so.
func (p *Proc) WantStopped() {
	p.world.T.Helper()
	p.world.Until(p.Name+" is stopped", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		_, after, ok := strings.Cut(string(stat), ") ")
		return err == nil && ok && after[0] == 'T'
	})
}

// Logged tells whether the process has logged a text.
func (p *Proc) Logged(text string) bool {
	b, err := os.ReadFile(p.log)
	return err == nil && strings.Contains(string(b), text)
}

// Resume lets a paused process go on.
func (p *Proc) Resume() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// Pid is the number of the process.
func (p *Proc) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Proc) Done() <-chan struct{} { return p.done }

// WantEnd waits until the process has ended by itself.
func (p *Proc) WantEnd() {
	p.world.T.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		b, _ := os.ReadFile(p.log)
		p.world.T.Fatalf("%s goes on:\n%s", p.Name, tail(b))
	}
}

// Run runs a command of the program to its end, as an operator does, and returns what it printed
// and its exit code.
func (w *World) Run(args ...string) (out string, code int) {
	w.T.Helper()
	cmd := exec.Command(w.program, args...)
	for k, v := range w.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.T.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// Logs is everything that the processes of this world have logged.
func (w *Books) Logs() string {
	var b strings.Builder
	w.shared.mu.Lock()
	defer w.shared.mu.Unlock()
	for _, p := range w.shared.procs {
		content, err := os.ReadFile(p.log)
		if err == nil {
			b.Write(content)
		}
	}
	return b.String()
}

// limit is how long a test waits for anything; it says nothing about how long things should take.
const limit = 90 * time.Second

// Until waits for a condition.
func (w *Books) Until(what string, ok func() bool) {
	w.T.Helper()
	if !Within(ok) {
		w.T.Fatalf("waited in vain: %s\n%s", what, tail([]byte(w.Logs())))
	}
}

// Within waits for a condition and tells whether it came true; for goroutines beside the test's.
func Within(ok func() bool) bool { return within(20*time.Millisecond, ok) }

// Insist is Within as people do it: they press again after a moment, and leave the machine its time.
func Insist(ok func() bool) bool { return within(300*time.Millisecond, ok) }

func within(pause time.Duration, ok func() bool) bool {
	deadline := time.After(limit)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}

// State reads the state of a case; empty while the database is away.
func (w *Books) State(id uuid.UUID) card.State {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	state, err := cardstore.Cases{Store: w.Cards()}.State(ctx, id)
	if err != nil {
		return ""
	}
	return state
}

// WantState waits until a case is in a state.
func (w *Books) WantState(id uuid.UUID, want card.State) {
	w.T.Helper()
	w.Until(fmt.Sprintf("%s is %s", id, want), func() bool { return w.State(id) == want })
}

// Cards is the store of cards on this world's database.
func (w *Books) Cards() cardstore.Store {
	return cardstore.Store{DB: w.DB, Vault: w.Vault, Clock: clock.System{}}
}

// Web is an environment of clients for one api.
func (w *World) Web(p *Proc) *webtest.Env { return webtest.Against(w.T, w.DB, w.Vault, p.URL) }

// Count answers a counting query. After a kill of PostgreSQL the pool's old connections fail once.
func (w *Books) Count(sql string, args ...any) (n int) {
	w.T.Helper()
	w.Until(sql, func() bool { return w.DB.QueryRow(context.Background(), sql, args...).Scan(&n) == nil })
	return n
}

var build struct {
	once sync.Once
	path string
	err  error
}

// Program builds the program once, with kill points, and returns its path. With `go test -race` its
// processes look for data races too.
func Program(t testing.TB) string {
	t.Helper()
	build.once.Do(func() {
		_, file, _, _ := runtime.Caller(0)
		root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		build.path = filepath.Join(root, ".bin", "volcard-killpoint")
		args := []string{"build", "-tags", "killpoint", "-o", build.path}
		if raced {
			args = append(args, "-race")
		}
		cmd := exec.Command("go", append(args, "./cmd/volcard")...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			build.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, build.err)
	return build.path
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func tail(b []byte) string { return string(b[max(0, len(b)-4000):]) }
