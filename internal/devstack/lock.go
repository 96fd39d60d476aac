package devstack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Lock is held by the one `volcard dev` that works on a data folder. The system frees it when
// the process ends, however it ends.
type Lock struct{ file *os.File }

// RunningError says that another process holds the lock.
type RunningError struct {
	Dir  string
	Note string // what the holder said of itself
}

func (e *RunningError) Error() string {
	note := e.Note
	if note == "" {
		note = "it is still starting"
	}
	return fmt.Sprintf("volcard dev already runs on %s (%s)", e.Dir, note)
}

// AcquireLock takes the lock of the folder, which it makes when missing. The error is a
// *RunningError when another process has it.
func AcquireLock(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is secret in it has modes of its own
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		note, readErr := io.ReadAll(f)
		_ = f.Close()
		return nil, &RunningError{Dir: dir, Note: strings.TrimSpace(string(errNote(note, readErr)))}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	l := &Lock{f}
	return l, l.Say("")
}

func errNote(note []byte, err error) []byte {
	if err != nil {
		return nil
	}
	return note
}

// Say leaves a note for whoever finds the lock taken.
func (l *Lock) Say(note string) error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if _, err := l.file.WriteAt([]byte(note+"\n"), 0); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// Release gives the folder free.
func (l *Lock) Release() error {
	if err := l.Say(""); err != nil {
		return err
	}
	return l.file.Close()
}

// lockFile waits for an exclusive lock.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
