// Command temporal-dev runs a Temporal server and its Web UI in one process on a PostgreSQL
// that exists already: for one machine and for tests. It is a module of its own, since the server
// costs 1,800 packages and minutes of build time that no other part of the project should pay.
//
// When it is ready it prints one line on standard output:
//
//	{"frontend":"127.0.0.1:41231","ui":"127.0.0.1:41232"}
//
// `temporal-dev -health -port 7233` asks a running one and exits 0 when it serves.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(os.Args[1:], os.Getenv); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "temporal-dev:", err)
		os.Exit(1)
	}
}

func run(args []string, getenv func(string) string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := parse(args, getenv)
	if err != nil {
		return err
	}
	if s.health {
		return health(ctx, s)
	}
	if err := setUpSchemas(ctx, s); err != nil {
		return err
	}
	srv, err := startServer(ctx, s)
	if err != nil {
		return err
	}
	defer srv.stop()
	if err := registerNamespace(ctx, s, srv.frontend); err != nil {
		return err
	}
	line, err := json.Marshal(ready{Frontend: srv.frontend, UI: srv.ui})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	<-ctx.Done()
	return nil
}

// ready is the line that tells whoever started the program where to find it.
type ready struct {
	Frontend string `json:"frontend"`
	UI       string `json:"ui,omitempty"`
}
