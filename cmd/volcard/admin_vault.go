package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"volcard/internal/config"
	"volcard/internal/store/reseal"
	"volcard/internal/vault"
)

// adminVault changes the keys under which personal data is stored: prepare, rotate, reseal,
// retire, in this order, each followed by a restart of the processes where it prints a key set.
type adminVault struct {
	Prepare adminVaultPrepare `cmd:"" help:"Print the key set with a new key that does not seal yet: for a restart of one process after the other."`
	Rotate  adminVaultRotate  `cmd:"" help:"Print the key set with another primary key."`
	Reseal  adminVaultReseal  `cmd:"" help:"Seal every stored value again under the primary key; may be stopped and run again."`
	Retire  adminVaultRetire  `cmd:"" help:"Print the key set with the primary key alone, once nothing needs the others."`
}

// printKeyset prints what change makes of the present key set, as a setting.
func printKeyset(w io.Writer, change func([]byte) ([]byte, error)) error {
	cfg, err := config.Load[config.Admin](os.Environ())
	if err != nil {
		return err
	}
	keyset, err := change([]byte(cfg.Vault.Keyset.Reveal()))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "VOLCARD_VAULT_KEYSET='%s'\n", keyset)
	return err
}

type adminVaultPrepare struct{}

// Run prints; nothing is stored.
func (adminVaultPrepare) Run() error { return printKeyset(os.Stdout, vault.Prepare) }

type adminVaultRotate struct{}

// Run prints; nothing is stored.
func (adminVaultRotate) Run() error { return printKeyset(os.Stdout, vault.Rotate) }

type adminVaultReseal struct{}

// Run works beside running processes, as long as all of them have the present key set.
func (adminVaultReseal) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	reports, err := reseal.Run(ctx, p.db, p.vault, func(r reseal.Report) {
		fmt.Fprintf(os.Stderr, "%s: %d\n", r.Column.Label(), r.Resealed)
	})
	if err != nil {
		return err
	}
	resealed, broken := 0, 0
	for _, r := range reports {
		if r.Broken > 0 {
			fmt.Fprintf(os.Stderr, "%s: %d values cannot be opened by any key of the set\n", r.Column.Label(), r.Broken)
		}
		resealed, broken = resealed+r.Resealed, broken+r.Broken
	}
	fmt.Printf("sealed again: %d, cannot be opened: %d\n", resealed, broken)
	if broken > 0 {
		return fmt.Errorf("%d values cannot be opened; they were left as they are", broken)
	}
	return nil
}

type adminVaultRetire struct {
	Yes bool `help:"The workflows that were open at the rotation have ended."`
}

// Run refuses while a stored value needs another key. Histories of workflows cannot be counted
// from here: the operator answers for them.
func (c adminVaultRetire) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	left, err := reseal.Left(ctx, p.db, p.vault)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%d stored values are still sealed with another key: run `volcard admin vault reseal` first", left)
	}
	if !c.Yes {
		fmt.Println("no stored value needs the other keys; workflows that were open at the rotation still do: --yes prints the key set without them")
		return nil
	}
	return printKeyset(os.Stdout, vault.Retire)
}
