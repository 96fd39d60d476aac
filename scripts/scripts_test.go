// Package scripts tries the scripts on a machine that is made of stubs: nothing is installed or built.
package scripts

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a folder of commands, which is all that a script finds, and a root for /usr and /etc.
type machine struct {
	t         *testing.T
	bin, root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, filepath.Join(t.TempDir(), "bin"), t.TempDir()}
	require.NoError(t, os.MkdirAll(m.bin, 0o700))
	for _, name := range []string{"bash", "cat", "dirname", "env", "head", "mkdir", "mktemp", "mv", "rm", "sed", "tee"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(m.bin, name)))
	}
	m.command("go", `echo go1.26.8`)
	m.command("id", `echo 1000`)
	return m
}

// command puts a stub in place.
func (m machine) command(name, script string) {
	m.t.Helper()
	m.file(filepath.Join(m.bin, name), script)
}

func (m machine) file(path, script string) {
	m.t.Helper()
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(m.t, os.WriteFile(path, []byte("#!/usr/bin/env bash\n"+script+"\n"), 0o700))
}

// server puts a PostgreSQL of this version in place.
func (m machine) server(version string) {
	dir := filepath.Join(m.root, "usr/lib/postgresql", version, "bin")
	m.file(filepath.Join(dir, "postgres"), "echo 'postgres (PostgreSQL) "+version+".3'")
	m.file(filepath.Join(dir, "initdb"), "")
}

func (m machine) run(script string, args ...string) (out string, ok bool) {
	m.t.Helper()
	cmd := exec.CommandContext(context.Background(), filepath.Join(m.bin, "bash"), append([]string{script}, args...)...)
	cmd.Env = []string{"PATH=" + m.bin, "VOLCARD_TEST_ROOT=" + m.root, "VOLCARD_TEST_PAUSE=0", "TMPDIR=" + m.t.TempDir()}
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}

const aptLog = `echo "$*" >>"$VOLCARD_TEST_ROOT/apt"; cat "$VOLCARD_TEST_ROOT/etc/postgresql-common/createcluster.d/volcard.conf" >>"$VOLCARD_TEST_ROOT/apt" 2>/dev/null || true`

func TestSetupOfAMachineThatHasEverything(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.server("15")
	out, ok := m.run("setup.sh", "run")
	require.True(t, ok, out)
	require.Empty(t, out)
}

func TestSetupWithoutRootNamesOneCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.command("apt-get", "exit 9")
	out, ok := m.run("setup.sh", "run")
	require.False(t, ok)
	require.Contains(t, out, "as root")
	require.Contains(t, out, "\n  apt-get update && apt-get install -y --no-install-recommends postgresql\n")
	require.Contains(t, out, "port 5432")

	m.command("sudo", "exit 1") // it would ask for a password
	out, ok = m.run("setup.sh", "check")
	require.False(t, ok)
	require.Contains(t, out, "asks for your password")
	require.Contains(t, out, "\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends shellcheck\n")
	require.NotContains(t, out, "5432")
}

func TestSetupWithoutApt(t *testing.T) {
	t.Parallel()
	out, ok := newMachine(t).run("setup.sh", "check")
	require.False(t, ok)
	require.Contains(t, out, "no apt")
	require.Contains(t, out, "shellcheck")
}

// Debian's package starts no database of its own meanwhile, and is left as it was.
func TestSetupAsRootInstalls(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.command("id", "echo 0")
	m.server("15")
	require.NoError(t, os.Rename(filepath.Join(m.root, "usr"), filepath.Join(m.root, "later")))
	m.command("apt-get", aptLog+`; [ "$1" != install ] || mv "$VOLCARD_TEST_ROOT/later" "$VOLCARD_TEST_ROOT/usr"`)
	out, ok := m.run("setup.sh", "run")
	require.True(t, ok, out)
	require.Contains(t, out, "installing through apt what is missing:\n  postgresql ")
	said, err := os.ReadFile(filepath.Join(m.root, "apt"))
	require.NoError(t, err)
	require.Equal(t, "update -q\ncreate_main_cluster = false\n"+
		"install -y -q --no-install-recommends postgresql\ncreate_main_cluster = false\n", string(said))
	require.NoFileExists(t, filepath.Join(m.root, "etc/postgresql-common/createcluster.d/volcard.conf"))
}

func TestSetupWithAServerThatIsTooOld(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.command("id", "echo 0")
	m.server("13")
	m.command("apt-get", aptLog)
	out, ok := m.run("setup.sh", "run")
	require.False(t, ok)
	require.Contains(t, out, "older than 15")
}

func TestSetupOfAGoThatIsTooOld(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.command("go", "echo go1.19.8")
	out, ok := m.run("setup.sh", "check")
	require.False(t, ok)
	require.Contains(t, out, "go1.19.8")
}

// The build tells how far it is, passes errors on, and fails where the compiler does.
func TestBuildShowsProgress(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	text, err := os.ReadFile("build.sh")
	require.NoError(t, err)
	script := filepath.Join(m.root, "scripts", "build.sh")
	m.file(script, string(text))
	require.NoError(t, os.MkdirAll(filepath.Join(m.root, "cmd/temporal-dev"), 0o700))
	m.command("git", "echo 0123")
	m.command("go", "echo 'go: downloading example.test/m v1.0.0'; echo example.test/m; echo volcard/internal/card")
	out, ok := m.run(script)
	require.True(t, ok, out)
	require.Contains(t, out, "building volcard … 0:0")
	require.Contains(t, out, "2 packages compiled, 1 modules fetched")
	require.Contains(t, out, "building temporal-dev …")

	m.command("go", "echo volcard/internal/card; echo 'card.go:7:1: syntax error'; exit 1")
	out, ok = m.run(script)
	require.False(t, ok)
	require.Contains(t, out, "card.go:7:1: syntax error\n")
	require.NotContains(t, out, "building temporal-dev …", "it ends there")
}

// A module that cannot be listed fails the tests; it does not leave none to run.
func TestTestsNeedTheList(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	grep, err := exec.LookPath("grep")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(grep, filepath.Join(m.bin, "grep")))
	text, err := os.ReadFile("test.sh")
	require.NoError(t, err)
	script := filepath.Join(m.root, "scripts", "test.sh")
	m.file(script, "export VOLCARD_TEST_DATABASE=given\n"+string(text))
	m.file(filepath.Join(m.root, ".bin/gotestsum"), `echo "tested ${*: -1}"`)
	require.NoError(t, os.MkdirAll(filepath.Join(m.root, "cmd/temporal-dev"), 0o700))
	m.command("go", "echo volcard/internal/card; echo volcard/test/e2e")
	out, ok := m.run(script)
	require.True(t, ok, out)
	require.Contains(t, out, "tested volcard/internal/card\n")
	m.command("go", "echo 'no such package' >&2; exit 1")
	out, ok = m.run(script)
	require.False(t, ok)
	require.NotContains(t, out, "tested")
}
