// Package bench measures the house beside what somebody would build instead: the same Temporal and
// the same PostgreSQL, both sides in turns in one run. `make bench` starts it; docs/performance.md
// holds a run. It measures and prints; it fails only where something was lost, doubled or refused.
package bench_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
)

// envRun keeps `go test ./...` from measuring.
const envRun = "VOLCARD_BENCH"

var (
	program = flag.String("program", "../.bin/volcard", "the program to measure, built without kill points")
	rows    = flag.String("rows", "abcdefghlop", "which rows of the table to measure")
	rounds  = flag.Int("rounds", 5, "how often the two sides take turns")
	profile = flag.String("profile", "", "folder for CPU profiles of the api, one for each row")
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(envBare); socket != "" {
		os.Exit(serveBare(socket))
	}
	os.Exit(m.Run())
}

func TestBench(t *testing.T) {
	if os.Getenv(envRun) == "" {
		t.Skip("a measurement: make bench")
	}
	out := newTable()
	measures := []struct {
		row string
		run func(*house, *table)
	}{{"a", many}, {"b", single}, {"c", rush}, {"d", pages}, {"f", counter}, {"g", regular}, {"l", statusList}, {"o", flood}}
	wanted := func(row string) bool { return strings.Contains(*rows, row) }
	if wanted("e") {
		document(t, out)
	}
	if wanted("h") {
		prints(t, out)
	}
	if wanted("p") {
		photos(t, out)
	}
	if strings.ContainsAny(*rows, "abcdfglo") {
		h := newHouse(t)
		for _, m := range measures {
			if wanted(m.row) {
				h.counted(m.row, out, func() { h.profiled(m.row, func() { m.run(h, out) }) })
			}
		}
		h.settle()
		h.WantCleanBooks()
		out.note("books: clean")
	}
	fmt.Printf("\nvolcard bench, %s, %d cores, %s\n\n%s\n", clock.System{}.Now().In(clock.Shanghai).Format(time.DateTime),
		runtime.NumCPU(), runtime.Version(), out)
	require.Empty(t, out.failures)
}
