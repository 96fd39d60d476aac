// Command volcard is the one program of the house: the pages, the processes, the schema, the
// auditor and an operator's commands; `volcard dev` is all of it on one machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"volcard/internal/config"
	"volcard/internal/telemetry"
)

type commands struct {
	Dev     devCommand     `cmd:"" help:"Start everything on this machine, with demo data."`
	API     apiCommand     `cmd:"" name:"api" help:"Serve the pages and the JSON interface."`
	Worker  workerCommand  `cmd:"" help:"Run the processes, send the messages, sweep."`
	Migrate migrateCommand `cmd:"" help:"Bring the schema to the newest version."`
	Audit   auditCommand   `cmd:"" help:"Check what was stored and issued; exit 1 on any finding."`
	Admin   adminCommand   `cmd:"" help:"An operator's commands."`
	Health  healthCommand  `cmd:"" help:"Ask the process with these settings whether it is ready; for a container."`
}

const description = `湖北省志愿者证: applications, cards, hand-overs.

Settings come from the environment; docs/config.md lists them.`

// impatience is how soon after a first Ctrl-C a second one means it.
const impatience = time.Second

// collectAt is how much garbage, in per cent of what is in use, is left to gather before it is
// collected: a page makes much garbage and little of it lasts. Measured over a minute of pages:
// half of the collector's tenth of the processor's time saved, for 80 MB more than with Go's 100.
// GOGC in the environment goes before.
const collectAt = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	command := kong.Parse(&commands{}, kong.Name("volcard"), kong.Description(description),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once; not one that a wrapper sends along with the first.
	context.AfterFunc(ctx, func() { time.AfterFunc(impatience, stop) })
	command.BindTo(ctx, (*context.Context)(nil))
	os.Exit(exitCode(command.Run()))
}

// errFindings is how a command that checks something ends when it found something. What it found
// was printed.
var errFindings = errors.New("findings")

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings):
		return 1
	}
	fmt.Fprintln(os.Stderr, "volcard:", err)
	return 1
}

type healthCommand struct{}

// Run asks the process whose settings this one shares.
func (healthCommand) Run(ctx context.Context) error {
	addr, err := config.MetricsAddr(os.Environ())
	if err != nil {
		return err
	}
	return telemetry.Probe(ctx, addr)
}
