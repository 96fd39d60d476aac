package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"time"
)

// settings come from flags; each flag can also be given as TEMPORAL_DEV_NAME in the environment.
type settings struct {
	dbHost, dbUser, dbPassword string
	dbPort                     int
	bind                       string
	port, uiPort               int // 0: a free one; uiPort -1: no Web UI
	namespace                  string
	retention                  time.Duration
	historyShards              int
	timeSkipping               bool
	logLevel                   string
	health                     bool
}

func parse(args []string, getenv func(string) string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("temporal-dev", flag.ContinueOnError)
	f.StringVar(&s.dbHost, "database-host", "127.0.0.1", "host of PostgreSQL, or the folder of its socket")
	f.IntVar(&s.dbPort, "database-port", 5432, "port of PostgreSQL")
	f.StringVar(&s.dbUser, "database-user", "temporal", "role that owns the databases temporal and temporal_visibility, or may create them")
	f.StringVar(&s.bind, "bind", "127.0.0.1", "address to listen on; 0.0.0.0 in a container")
	f.IntVar(&s.port, "port", 0, "port of the frontend; 0 takes a free one")
	f.IntVar(&s.uiPort, "ui-port", -1, "port of the Web UI; 0 takes a free one, -1 leaves it out")
	f.StringVar(&s.namespace, "namespace", "volcard", "namespace to register")
	f.DurationVar(&s.retention, "retention", 7*24*time.Hour, "how long closed workflows are kept")
	f.IntVar(&s.historyShards, "history-shards", 4, "history shards of a new database, for good: 512 in production; one that exists keeps its number")
	f.BoolVar(&s.timeSkipping, "time-skipping", false, "let clients ask for skipped time (tests)")
	f.StringVar(&s.logLevel, "log-level", "warn", "debug, info, warn or error")
	f.BoolVar(&s.health, "health", false, "ask the frontend at -port whether it serves, then end")
	var bad error
	f.VisitAll(func(fl *flag.Flag) {
		if v := getenv(envName(fl.Name)); v != "" && bad == nil {
			if err := fl.Value.Set(v); err != nil {
				bad = fmt.Errorf("%s=%q: %w", envName(fl.Name), v, err)
			}
		}
	})
	if bad != nil {
		return s, bad
	}
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	// A password on the command line is seen by everybody on the machine.
	s.dbPassword = getenv("TEMPORAL_DEV_DATABASE_PASSWORD")
	return s, s.check()
}

func envName(flagName string) string {
	name := []byte("TEMPORAL_DEV_" + flagName)
	for i, c := range name {
		switch {
		case c == '-':
			name[i] = '_'
		case 'a' <= c && c <= 'z':
			name[i] = c - 'a' + 'A'
		}
	}
	return string(name)
}

func (s settings) check() error {
	if net.ParseIP(s.bind) == nil {
		return fmt.Errorf("-bind: %q is no IP address", s.bind)
	}
	if s.health && s.port == 0 {
		return errors.New("-health needs -port")
	}
	if s.retention < 24*time.Hour {
		return errors.New("-retention: Temporal keeps closed workflows for a day at least")
	}
	if s.historyShards < 1 || s.historyShards > maxHistoryShards {
		return fmt.Errorf("-history-shards: %d is not between 1 and %d", s.historyShards, maxHistoryShards)
	}
	return nil
}

// maxHistoryShards is what one process on one PostgreSQL can own: each shard costs memory and polling.
const maxHistoryShards = 4096

// dialHost is where this process reaches what it has bound.
func (s settings) dialHost() string {
	if ip := net.ParseIP(s.bind); ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return s.bind
}

// ports chooses n different free ports on the loopback interface.
func ports(ctx context.Context, n int) ([]int, error) {
	var lc net.ListenConfig
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	var free []int
	for range n {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		listeners = append(listeners, l)
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		free = append(free, number)
	}
	return free, nil
}

// checkFree tells in a sentence when somebody else has the port: the server itself would end
// with a stack of internals.
func checkFree(ctx context.Context, bind string, port int) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(bind, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d is taken: %w", port, err)
	}
	return l.Close()
}
