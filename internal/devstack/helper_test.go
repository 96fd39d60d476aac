package devstack_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/devstack"
)

const (
	patience = 30 * time.Second
	tick     = 20 * time.Millisecond
)

// startHelper runs this test binary as the parent of both servers, until it says that it is ready.
func startHelper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperParent$", "-test.v")
	cmd.Env = append(os.Environ(), "VOLCARD_TEST_PARENT_DIR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			return cmd
		}
		said = append(said, lines.Text())
	}
	text := strings.Join(said, "\n")
	if strings.Contains(text, devstack.ErrNoPostgres.Error()) && os.Getenv("CI") == "" {
		t.Skip(devstack.ErrNoPostgres)
	}
	t.Fatalf("the parent did not become ready:\n%s", text)
	return nil
}

// processesOf lists all descendants of a process.
func processesOf(t *testing.T, pid int) []int {
	t.Helper()
	all := devstack.ChildrenOf(pid)
	for i := 0; i < len(all); i++ {
		all = append(all, devstack.ChildrenOf(all[i])...)
	}
	return all
}

func alive(pids []int) []int {
	var left []int
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			left = append(left, pid)
		}
	}
	return left
}
