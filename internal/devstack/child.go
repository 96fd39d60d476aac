package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// child is a started process and the news of its end.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done is closed
}

// start runs cmd so that it ends when this process ends, even by kill -9: with deathSignal.
func start(cmd *exec.Cmd, deathSignal syscall.Signal) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own: Ctrl-C in a terminal reaches the whole group, and would stop the
	// database before what uses it.
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr, deathSignal)
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends the death signal when the starting thread ends, not the process, so
		// the thread is kept until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// alive tells whether the process has not been seen to end.
func (c *child) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// stop asks with sig and waits. When ctx ends first, the process is killed.
func (c *child) stop(ctx context.Context, sig syscall.Signal) error {
	if !c.alive() {
		return nil
	}
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", c.cmd.Path, err)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		_ = c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("stop %s: it did not end in time and was killed", c.cmd.Path)
	}
}

// kill is kill -9, for fault tests.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// logLimit is when a log is put aside at the next start; one older log is kept.
const logLimit = 16 << 20

// OpenLog opens a log file to write at its end.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return f, nil
}

// logTail is a child's log file, whose end an error can quote.
type logTail struct {
	*os.File
}

func openLog(path string) (logTail, error) {
	f, err := OpenLog(path)
	return logTail{f}, err
}

// last returns the end of the log, at most 2 KB.
func (l logTail) last() string {
	info, err := l.Stat()
	if err != nil {
		return ""
	}
	const most = 2048
	from := max(0, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(l, from, most))
	if err != nil {
		return ""
	}
	return string(text)
}
