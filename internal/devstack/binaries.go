package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the first PostgreSQL that the schema is written for.
const oldest = 15

// ErrNoPostgres says that the machine has no PostgreSQL server that is new enough.
var ErrNoPostgres = errors.New("no PostgreSQL server of version 15 or newer is installed: run scripts/setup.sh run")

// binaries is one installed PostgreSQL server.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// findBinaries returns the servers of this machine that are new enough, newest first.
func findBinaries(ctx context.Context) []binaries {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err == nil { // only a broken pattern fails
			dirs = append(dirs, found...)
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	var servers []binaries
	for _, dir := range dirs {
		b := binaries{dir: dir}
		if slices.ContainsFunc(servers, func(o binaries) bool { return o.dir == dir }) {
			continue
		}
		if _, err := os.Stat(b.path("initdb")); err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, b.path("postgres"), "--version").Output()
		if err != nil {
			continue
		}
		if b.major = majorOf(string(out)); b.major >= oldest {
			servers = append(servers, b)
		}
	}
	slices.SortStableFunc(servers, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return servers
}

var versionNumber = regexp.MustCompile(`\d+`)

// majorOf reads "postgres (PostgreSQL) 15.19 (Debian …)" and the content of a PG_VERSION file.
func majorOf(version string) int {
	n, err := strconv.Atoi(versionNumber.FindString(version))
	if err != nil {
		return 0
	}
	return n
}

// chooseBinaries returns the newest server, or for a data directory that exists the one that
// made it: another major version cannot read it.
func chooseBinaries(ctx context.Context, dir string) (binaries, error) {
	servers := findBinaries(ctx)
	if len(servers) == 0 {
		return binaries{}, ErrNoPostgres
	}
	version, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return servers[0], nil
	}
	if err != nil {
		return binaries{}, fmt.Errorf("data directory: %w", err)
	}
	want := majorOf(string(version))
	for _, b := range servers {
		if b.major == want {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("%s was made by PostgreSQL %d, which is not installed (newest here: %d)",
		dir, want, servers[0].major)
}
