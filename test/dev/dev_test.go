// Package dev tries what make run starts: the whole system in one program on one machine.
package dev_test

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"volcard/internal/clock"
	"volcard/internal/devstack"
	"volcard/test/world"
)

const (
	patience = 90 * time.Second
	tick     = 50 * time.Millisecond
)

// run is one `volcard dev`.
type run struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  output
	done chan struct{}
}

// output may be read while the program writes it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func start(t *testing.T, data, port string) *run {
	t.Helper()
	r := &run{t: t, cmd: exec.Command(world.Program(t), "dev"), done: make(chan struct{})}
	r.cmd.Env = append(environ(), "VOLCARD_DATA="+data, "PORT="+port)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	require.NoError(t, r.cmd.Start())
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() { r.signal(syscall.SIGTERM) })
	return r
}

// environ is this process's without what belongs to the tests' own database and program.
func environ() []string {
	var kept []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "VOLCARD_") && !strings.HasPrefix(kv, "PORT=") {
			kept = append(kept, kv)
		}
	}
	return kept
}

func (r *run) ready() {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.ended() || strings.Contains(r.out.String(), "ready: ") }, patience, tick)
	require.Contains(r.t, r.out.String(), "ready: ", "it ended instead")
}

func (r *run) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// signal ends the program and waits for it.
func (r *run) signal(s syscall.Signal) {
	_ = r.cmd.Process.Signal(s)
	<-r.done
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// setting reads one value of the file that dev leaves for operators.
func setting(t *testing.T, data, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "env"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "\n"+name+"='")
	require.True(t, ok, name)
	value, _, _ := strings.Cut(rest, "'")
	return value
}

func temporal(t *testing.T, data string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: setting(t, data, "VOLCARD_TEMPORAL_ADDRESS"), Namespace: devstack.Namespace,
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func (r *run) get(path string) int {
	r.t.Helper()
	_, address, _ := strings.Cut(r.out.String(), "ready: ")
	base, _, _ := strings.Cut(address, "\n")
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, base+path, nil)
	require.NoError(r.t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer res.Body.Close()
	return res.StatusCode
}

func TestEverythingIsFoundAsItWas(t *testing.T) {
	data, port := filepath.Join(t.TempDir(), "data"), freePort(t)
	first := start(t, data, port)
	first.ready()
	require.Equal(t, http.StatusOK, first.get("/"))
	rows := strings.Split(logins(first), "\n")
	require.Len(t, rows, 7, "one account for each audience")
	for _, row := range rows {
		first.login(row)
	}
	_, err := temporal(t, data).ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: "sleeper", TaskQueue: "nobody"}, "Sleeper")
	require.NoError(t, err)
	secrets, err := os.ReadFile(filepath.Join(data, "secrets", "vault_keyset.json"))
	require.NoError(t, err)

	// A second one on the same folder, and one that finds the port taken, end with one sentence.
	second := start(t, data, freePort(t))
	<-second.done
	require.Equal(t, 1, second.cmd.ProcessState.ExitCode())
	require.Contains(t, second.out.String(), "already runs")
	require.Contains(t, second.out.String(), "http://localhost:"+port)
	require.Equal(t, 1, strings.Count(second.out.String(), "\n"))
	other := start(t, filepath.Join(t.TempDir(), "data"), port)
	<-other.done
	require.Equal(t, 1, other.cmd.ProcessState.ExitCode())
	require.Contains(t, other.out.String(), "port "+port+" is taken")
	require.Equal(t, 1, strings.Count(other.out.String(), "\n"))

	wantCleanBooks(t, data)

	first.signal(syscall.SIGINT)
	require.Zero(t, first.cmd.ProcessState.ExitCode(), first.out.String())
	postgresLog, err := os.ReadFile(filepath.Join(data, "log", "postgres.log"))
	require.NoError(t, err)
	require.Contains(t, string(postgresLog), "database system is shut down")

	again := start(t, data, port)
	again.ready()
	require.Equal(t, http.StatusOK, again.get("/"))
	found, err := temporal(t, data).DescribeWorkflowExecution(t.Context(), "sleeper", "")
	require.NoError(t, err)
	require.Equal(t, "Sleeper", found.GetWorkflowExecutionInfo().GetType().GetName())
	after, err := os.ReadFile(filepath.Join(data, "secrets", "vault_keyset.json"))
	require.NoError(t, err)
	require.Equal(t, secrets, after)
	require.Equal(t, logins(first), logins(again), "the same accounts, made once")

	// Killed without a word it leaves nothing that is in the way of the next start.
	again.signal(syscall.SIGKILL)
	third := start(t, data, port)
	third.ready()
	_, err = temporal(t, data).DescribeWorkflowExecution(t.Context(), "sleeper", "")
	require.NoError(t, err)
	wantCleanBooks(t, data)
}

// wantCleanBooks runs the auditor beside the system, as an operator does, with the settings that it leaves.
func wantCleanBooks(t *testing.T, data string) {
	t.Helper()
	audit := exec.CommandContext(t.Context(), "sh", "-c", `set -a; . "$1"; exec "$2" audit`, "sh",
		filepath.Join(data, "env"), world.Program(t))
	audit.Env = environ()
	out, err := audit.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "nothing found")
}

// logins are the lines of the table of accounts.
func logins(r *run) string {
	_, table, _ := strings.Cut(r.out.String(), "second factor\n")
	table, _, _ = strings.Cut(table, "\n\n")
	return table
}

// login uses a line of the table as somebody does who copies it.
func (r *run) login(row string) {
	r.t.Helper()
	cells := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(row), -1)
	require.GreaterOrEqual(r.t, len(cells), 4, row)
	form := url.Values{"id_number": {cells[2]}, "password": {cells[3]}}
	if len(cells) > 4 {
		code, err := totp.GenerateCode(cells[4], clock.System{}.Now())
		require.NoError(r.t, err)
		form = url.Values{"login": {cells[2]}, "password": {cells[3]}, "code": {code}}
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, cells[1], strings.NewReader(form.Encode()))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(r.t, err)
	require.NoError(r.t, res.Body.Close())
	require.Equal(r.t, http.StatusSeeOther, res.StatusCode, row)
	require.NotEmpty(r.t, res.Cookies(), row)
}

// Ctrl-C at any moment of the very first start leaves something that the next start completes.
func TestFirstStartIsCutShort(t *testing.T) {
	data, port := filepath.Join(t.TempDir(), "data"), freePort(t)
	for _, line := range []string{"", "PostgreSQL", "schema", "Temporal", "seed"} {
		r := start(t, data, port)
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(data, "log", "volcard.log"))
			return err == nil && strings.Contains(r.out.String(), line) || r.ended()
		}, patience, time.Millisecond)
		require.False(t, r.ended(), r.out.String())
		r.signal(syscall.SIGINT)
		require.Zero(t, r.cmd.ProcessState.ExitCode(), r.out.String())
	}
	r := start(t, data, port)
	r.ready()
	require.Equal(t, http.StatusOK, r.get("/"))
	require.Equal(t, 7, strings.Count(logins(r), "\n")+1, "one account for each audience")
	wantCleanBooks(t, data)
}
