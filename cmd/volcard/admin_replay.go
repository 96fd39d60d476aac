package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"volcard/workflows"
)

type adminReplay struct {
	Sample int `default:"200" help:"Running workflows of each type, from the newest to the oldest; 0: all of them."`
}

// Run changes nothing. It is for the program that is about to be rolled out, on the running installation.
func (c adminReplay) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return c.run(ctx, workflows.Replayer{Client: p.client, Vault: p.vault, Workflows: workflows.All()}, os.Stdout)
}

// run names each workflow that this program could not go on with, and ends with errFindings on any.
func (c adminReplay) run(ctx context.Context, r workflows.Replayer, out io.Writer) error {
	replayed, bad := 0, 0
	err := r.Run(ctx, c.Sample, func(one workflows.Replayed) {
		replayed++
		if one.Problem != "" {
			bad++
			_, _ = fmt.Fprintf(out, "%s (%s): %s\n", one.WorkflowID, one.Type, one.Problem)
		}
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%d running workflows replayed; %d would stop\n", replayed, bad)
	if bad > 0 {
		return errFindings
	}
	return nil
}
