package devstack

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	socketPort = 5432 // names the socket's file; nothing listens on TCP
	socketPath = 107  // most bytes of a socket's path on Linux
	startWait  = 60 * time.Second
	stopWait   = 30 * time.Second
	leaveWait  = 30 * time.Second // for the server of a killed parent to end by itself
	poll       = 10 * time.Millisecond
)

// PostgresOptions says where a server keeps its data and how.
type PostgresOptions struct {
	Dir     string // the data directory; made when missing
	Log     string // file for the server's log
	Durable bool   // survives a loss of power. Without it, still every kill of a process
}

// Postgres is a running server that belongs to this process. It listens on a socket that only
// its own account and root can open.
type Postgres struct {
	options PostgresOptions
	socket  string
	child   *child
	standby *Postgres // named in the URLs beside this one
}

// StartPostgres makes the data directory with the roles and databases of the project when it is
// new, starts the server, and returns when it answers.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	p := &Postgres{options: o}
	if err := p.Restart(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Restart starts a server that has ended, at the same socket. A running one is stopped first.
func (p *Postgres) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	if err := awaitPrevious(ctx, p.options.Dir); err != nil {
		return err
	}
	acc, err := serverAccount()
	if err != nil {
		return err
	}
	bin, err := chooseBinaries(ctx, p.options.Dir)
	if err != nil {
		return err
	}
	log, err := openLog(p.options.Log)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := acc.own(p.options.Dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := initialise(ctx, bin, acc, p.options, log); err != nil {
		return err
	}
	if p.socket, err = socketDir(acc, p.options.Dir); err != nil {
		return err
	}
	if err := p.launch(bin, acc, log); err != nil {
		return err
	}
	if err := p.ready(ctx, log); err != nil {
		_ = p.Stop()
		return err
	}
	return nil
}

// makeData runs a program that makes a data directory, as the server's account, until ctx ends.
func makeData(ctx context.Context, acc account, dir string, log logTail, program string, args ...string) error {
	if err := acc.own(dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	path, files, err := acc.hand(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	defer closeAll(files)
	cmd := exec.Command(program, append([]string{"--pgdata=" + path}, args...)...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", serverEnv(), files
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log.File, log.File, acc.attr()
	c, err := start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.kill()
	}
	if c.err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), c.err, log.last())
	}
	return nil
}

// initialise runs initdb once. It works beside the final name, so that an interrupted one
// leaves nothing that looks like a database.
func initialise(ctx context.Context, bin binaries, acc account, o PostgresOptions, log logTail) error {
	if _, err := os.Stat(filepath.Join(o.Dir, "PG_VERSION")); err == nil {
		return nil
	}
	fresh := o.Dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	err := makeData(ctx, acc, fresh, log, bin.path("initdb"), "--username=postgres", "--encoding=UTF8",
		"--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject", "--no-instructions", "--no-sync")
	if err != nil {
		return err
	}
	// The empty folder is in the way of the rename.
	if err := os.Remove(o.Dir); err != nil {
		return fmt.Errorf("data directory: %w (it is not empty and holds no database)", err)
	}
	return os.Rename(fresh, o.Dir)
}

func (p *Postgres) launch(bin binaries, acc account, log logTail) error {
	path, files, err := acc.hand(p.options.Dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	defer closeAll(files)
	args := []string{"-D", path, "-k", p.socket, "-p", strconv.Itoa(socketPort)}
	for _, setting := range []string{
		"listen_addresses=", "max_connections=300", "shared_buffers=128MB", "jit=off", "timezone=UTC",
		"log_timezone=UTC", "log_min_messages=warning", "log_checkpoints=off", "log_line_prefix=%m [%p] %d ",
	} {
		args = append(args, "-c", setting)
	}
	if !p.options.Durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	cmd := exec.Command(bin.path("postgres"), args...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", serverEnv(), files
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log.File, log.File, acc.attr()
	p.child, err = start(cmd, syscall.SIGINT)
	return err
}

func serverEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// ready waits until the server answers, then makes what is missing of roles and databases.
func (p *Postgres) ready(ctx context.Context, log logTail) error {
	for {
		err := provision(ctx, p)
		var refused *pgconn.ConnectError
		if err == nil || !errors.As(err, &refused) {
			return err
		}
		select {
		case <-p.child.done:
			return fmt.Errorf("PostgreSQL ended while it started: %w\n%s", p.child.err, log.last())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, log.last())
		case <-time.After(poll):
		}
	}
}

// socketDir returns a closed folder with a short name that is the same at each start, so that a
// restarted server is found where it was. Its name is public, hence the check of its owner.
func socketDir(acc account, dir string) (string, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(dir))
	name := fmt.Sprintf("volcard-%d-%x", os.Geteuid(), h.Sum64())
	sock := filepath.Join(os.TempDir(), name)
	if len(sock)+len("/.s.PGSQL.5432.lock") > socketPath {
		sock = filepath.Join("/tmp", name)
	}
	if err := acc.own(sock); err != nil {
		return "", fmt.Errorf("folder of the socket: %w", err)
	}
	return sock, nil
}

// awaitPrevious deals with what an earlier start left: a server that is still on its way out is
// waited for, a stale pid file is removed, and a server that stays is refused.
func awaitPrevious(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "postmaster.pid")
	deadline, cancel := context.WithTimeout(ctx, leaveWait)
	defer cancel()
	for {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || !serves(pid, dir) {
			// Another process may have got the number since; PostgreSQL would then refuse to start.
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("data directory: %w", err)
			}
			return nil
		}
		select {
		case <-deadline.Done():
			return fmt.Errorf("another PostgreSQL (process %d) is running on %s: stop it first", pid, dir)
		case <-time.After(poll):
		}
	}
}

// serves tells whether the process works in the data directory, as a postmaster does. Where that
// cannot be asked, a living process counts as one.
func serves(pid int, dir string) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || !procMounted()
	}
	real, err := filepath.EvalSymlinks(dir)
	return err == nil && cwd == real
}

func procMounted() bool {
	_, err := os.Stat("/proc/self")
	return err == nil
}

// Stop shuts the server down: open transactions are rolled back, everything committed is on disk.
func (p *Postgres) Stop() error {
	if p.child == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	err := p.child.stop(ctx, syscall.SIGINT)
	_ = os.RemoveAll(p.socket)
	return err
}

// Kill is kill -9 of the server and every process of it, as when the machine fails.
func (p *Postgres) Kill() {
	if p.child == nil || !p.child.alive() {
		return
	}
	// Held still, it can start no further process between the look and the kill.
	_ = syscall.Kill(p.child.pid(), syscall.SIGSTOP)
	for _, pid := range childrenOf(p.child.pid()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.child.kill()
}

// Pause holds the server and every process of it still, as when its disk or its machine hangs: connections stay
// open and nothing answers. Resume lets them go on.
func (p *Postgres) Pause() { p.signalAll(syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Postgres) Resume() { p.signalAll(syscall.SIGCONT) }

func (p *Postgres) signalAll(s syscall.Signal) {
	// The server first: held still, it starts no further process.
	_ = syscall.Kill(p.child.pid(), s)
	for _, pid := range childrenOf(p.child.pid()) {
		_ = syscall.Kill(pid, s)
	}
}

// Done is closed when the server has ended.
func (p *Postgres) Done() <-chan struct{} { return p.child.done }

// childrenOf lists the processes that pid started. Each backend has a group of its own, so the
// group is no help.
func childrenOf(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var children []int
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // ended since
		}
		// "123 (a name) S 45 …": the name may hold anything, so count from its last bracket.
		_, rest, ok := cutLast(string(text), ")")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			children = append(children, child)
		}
	}
	return children
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
