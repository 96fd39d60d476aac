package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// TemporalOptions says what Temporal stands on and where it listens.
type TemporalOptions struct {
	Postgres     *Postgres
	Binary       string // of cmd/temporal-dev; empty: found or built by FindTemporal
	Log          string // file for the server's log
	Port         int    // of the frontend; 0: a free one
	UI           bool   // with the Web UI
	UIPort       int    // 0: a free one
	TimeSkipping bool   // clients may ask for skipped time
	Shards       int    // history shards of new databases; 0: the server's default
}

// Temporal is a running Temporal server that belongs to this process.
type Temporal struct {
	options      TemporalOptions
	frontend, ui string
	child        *child
}

// Namespace is the one that the server registers.
const Namespace = "volcard"

// temporalWait is for the slowest case: new databases on a busy machine.
const temporalWait = 90 * time.Second

// StartTemporal starts the server and returns when every part of it answers.
func StartTemporal(ctx context.Context, o TemporalOptions) (*Temporal, error) {
	if o.Binary == "" {
		var err error
		if o.Binary, err = FindTemporal(ctx, nil); err != nil {
			return nil, err
		}
	}
	t := &Temporal{options: o}
	if err := t.Restart(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Restart starts a server that has ended, at the same ports. A running one is stopped first.
func (t *Temporal) Restart(ctx context.Context) error {
	if err := t.Stop(); err != nil {
		return err
	}
	log, err := openLog(t.options.Log)
	if err != nil {
		return err
	}
	defer log.Close()
	host, port := t.options.Postgres.Socket()
	ui := -1
	if t.options.UI {
		ui = t.options.UIPort
	}
	args := []string{
		"-database-host", host, "-database-port", strconv.Itoa(port), "-database-user", roleTemporal,
		"-namespace", Namespace, "-port", strconv.Itoa(t.options.Port), "-ui-port", strconv.Itoa(ui),
		"-time-skipping=" + strconv.FormatBool(t.options.TimeSkipping),
	}
	if t.options.Shards > 0 {
		args = append(args, "-history-shards", strconv.Itoa(t.options.Shards))
	}
	cmd := exec.Command(t.options.Binary, args...)
	cmd.Stderr = log.File
	// Not StdoutPipe, which Wait closes: the line and the end of the process race.
	lines, out := io.Pipe()
	cmd.Stdout = out
	if t.child, err = start(cmd, syscall.SIGKILL); err != nil {
		return err
	}
	go func(c *child) { <-c.done; _ = out.Close() }(t.child)
	ctx, cancel := context.WithTimeout(ctx, temporalWait)
	defer cancel()
	said := make(chan error, 1)
	go func() { said <- t.listen(lines) }()
	select {
	case err = <-said:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		t.Kill()
		return fmt.Errorf("temporal did not become ready: %w\n%s", err, log.last())
	}
	return nil
}

// listen reads the ready line; what follows it is thrown away so that the server never blocks.
func (t *Temporal) listen(lines io.Reader) error {
	r := bufio.NewReader(lines)
	line, err := r.ReadBytes('\n')
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if err != nil {
		return errors.New("it ended")
	}
	var ready struct{ Frontend, UI string }
	if err := json.Unmarshal(line, &ready); err != nil {
		return fmt.Errorf("ready line %q: %w", line, err)
	}
	t.frontend, t.ui = ready.Frontend, ready.UI
	// A restart has to be found where the clients look.
	t.options.Port, t.options.UIPort = portOf(ready.Frontend), portOf(ready.UI)
	return nil
}

func portOf(address string) int {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

// Address is host:port of the frontend.
func (t *Temporal) Address() string { return t.frontend }

// UI is host:port of the Web UI, or empty.
func (t *Temporal) UI() string { return t.ui }

// Done is closed when the server has ended.
func (t *Temporal) Done() <-chan struct{} { return t.child.done }

// Stop lets the server finish what it does.
func (t *Temporal) Stop() error {
	if t.child == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	return t.child.stop(ctx, syscall.SIGTERM)
}

// Kill is kill -9.
func (t *Temporal) Kill() {
	if t.child != nil && t.child.alive() {
		t.child.kill()
	}
}

// Pause holds the server still: connections stay open and nothing answers, as in a network cut.
func (t *Temporal) Pause() error { return syscall.Kill(t.child.pid(), syscall.SIGSTOP) }

// Resume ends a Pause.
func (t *Temporal) Resume() error { return syscall.Kill(t.child.pid(), syscall.SIGCONT) }
