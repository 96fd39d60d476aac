package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// FindTemporal returns the temporal-dev binary: the one beside this program, else the one in the
// project's .bin, which is built when it is missing. That takes minutes the first time; the
// compiler's words go to progress.
func FindTemporal(ctx context.Context, progress io.Writer) (string, error) {
	const name = "temporal-dev"
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), name); isFile(beside) {
			return beside, nil
		}
	}
	root, err := projectRoot()
	if err != nil {
		return "", fmt.Errorf("temporal-dev is not beside this program, and cannot be built: %w", err)
	}
	binary := filepath.Join(root, ".bin", name)
	if isFile(binary) {
		return binary, nil
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil { //nolint:gosec // programs are no secret
		return "", err
	}
	// Tests of several packages look at once; one of them builds.
	unlock, err := lockFile(binary + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFile(binary) {
		return binary, nil
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir = filepath.Join(root, "cmd", name)
	cmd.Stdout, cmd.Stderr = &out, &out
	if progress != nil {
		_, _ = fmt.Fprintln(progress, "building temporal-dev: the first time takes some minutes …")
		cmd.Stderr = io.MultiWriter(&out, progress)
	}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build temporal-dev: %w\n%s", err, out.String())
	}
	return binary, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// projectRoot looks upwards from the working directory, which for a test is its package.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module volcard\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("the working directory is not in the project")
		}
		dir = up
	}
}
