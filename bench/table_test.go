package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table is what the run prints.
type table struct {
	lines    [][]string
	notes    []string
	failures []string // what must not happen, however slow the machine
}

func newTable() *table {
	return &table{lines: [][]string{{"what", "house", "bare", "ratio", "target", "met"}}}
}

// row adds a line. reach is true where the target is a least value.
func (t *table) row(what, house, bare string, ratio, target float64, reach bool) {
	met, sign := ratio <= target, "≤"
	if reach {
		met, sign = ratio >= target, "≥"
	}
	yes := "no"
	if met {
		yes = "yes"
	}
	t.lines = append(t.lines, []string{what, house, bare, fmt.Sprintf("%.2f", ratio), fmt.Sprintf("%s %.2f", sign, target), yes})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) fail(format string, args ...any) {
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

func (t *table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range t.lines {
		_, _ = fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	_ = w.Flush()
	b.WriteString("\n" + strings.Join(t.notes, "\n") + "\n")
	return b.String()
}

// quantile is the value below which a part of the durations lies.
func quantile(list []time.Duration, part float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

// median is the middle of the rounds: one that a neighbour disturbed does not count.
func median(list []float64) float64 {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func perSecond(f float64) string { return fmt.Sprintf("%.0f/s", f) }
