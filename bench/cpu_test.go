package bench_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage tells which part of the system spent the processor's time: the processes that this one
// started, and PostgreSQL's by the role that they serve.
type usage struct{ self int }

func newUsage() *usage { return &usage{self: os.Getpid()} }

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux

// read sums what each part has spent so far.
func (u *usage) read() map[string]time.Duration {
	spent := map[string]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parent, name, cpu := map[int]int{}, map[int]string{}, map[int]time.Duration{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended since
		}
		dir := filepath.Dir(path)
		pid, _ := strconv.Atoi(filepath.Base(dir))
		_, rest, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(rest)
		if len(f) < 13 {
			continue
		}
		parent[pid], _ = strconv.Atoi(f[1])
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		cpu[pid] = time.Duration(user+system) * tick
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		name[pid] = strings.ReplaceAll(string(line), "\x00", " ")
	}
	for pid, d := range cpu {
		switch {
		case pid == u.self:
			spent["client"] += d
		case parent[pid] == u.self:
			spent[part(name[pid])] += d
		case parent[parent[pid]] == u.self && strings.HasPrefix(name[pid], "postgres: "):
			spent[backend(name[pid])] += d
		}
	}
	return spent
}

func part(line string) string {
	program, rest, _ := strings.Cut(line, " ")
	switch base := filepath.Base(program); {
	case strings.HasPrefix(base, "volcard"):
		return strings.TrimSpace(rest)
	case base == "postgres":
		return "postgres other"
	default:
		return base
	}
}

func backend(line string) string {
	for _, role := range []string{"volcard", "temporal"} {
		if strings.HasPrefix(line, "postgres: "+role) {
			return "postgres " + role
		}
	}
	return "postgres other"
}

// per tells the difference of two readings for each of n things, in CPU milliseconds.
func per(before, after map[string]time.Duration, n int) string {
	var parts []string
	var sum time.Duration
	for _, name := range slices.Sorted(maps.Keys(after)) {
		d := after[name] - before[name]
		if d <= 0 {
			continue
		}
		sum += d
		if each := float64(d.Microseconds()) / 1000 / float64(n); each >= 0.02 {
			parts = append(parts, fmt.Sprintf("%s %.2f", name, each))
		}
	}
	return fmt.Sprintf("%.2f (%s)", float64(sum.Microseconds())/1000/float64(n), strings.Join(parts, ", "))
}
