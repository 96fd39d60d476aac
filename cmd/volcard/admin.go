package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"volcard/internal/card"
	"volcard/internal/config"
	"volcard/internal/passwd"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/sessionstore"
	"volcard/internal/store/staffstore"
	"volcard/internal/telemetry"
	"volcard/internal/vault"
)

type adminCommand struct {
	Keys     adminKeys     `cmd:"" help:"Make a new key set and index key for personal data and print them as settings."`
	First    adminFirst    `cmd:"" help:"Print a token with which the first administrator makes an account."`
	Unlock   adminUnlock   `cmd:"" help:"End the lock-out of an account of staff, after too many wrong passwords or codes."`
	Account  adminAccount  `cmd:"" help:"Stop the account of a person, or let it go on."`
	Import   adminImport   `cmd:"" help:"Replace the list of branches or universities by a CSV file; shows what would change unless --apply."`
	Rotate   adminRotate   `cmd:"" name:"rotate-signing-key" help:"Retire the key that signs cards and make a new one."`
	Card     adminCard     `cmd:"" help:"Suspend an issued card, let it hold again, or cancel it."`
	Vault    adminVault    `cmd:"" help:"Change the keys under which personal data is stored."`
	Restored adminRestored `cmd:"" help:"Confirm a restored database: move its numbers on and revoke those that were lost. Before any api starts."`
	Check    adminCheck    `cmd:"" help:"Run the nightly check now."`
	Recheck  adminRecheck  `cmd:"" help:"Examine anew what was issued, with the rules by which it was issued; exit 1 on any finding."`
	Replay   adminReplay   `cmd:"" help:"Replay the histories of running workflows with this program, before it is rolled out; exit 1 where one would stop."`
}

// operator is who an administrator's shell command acts as: the account on this machine.
func operator() store.Actor {
	name := "shell"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return store.Actor{Kind: "operator", ID: name}
}

// adminParts opens what the commands stand on. Their output is for people: the log only warns.
func adminParts(ctx context.Context) (*parts, error) {
	cfg, err := config.Load[config.Admin](os.Environ())
	if err != nil {
		return nil, err
	}
	log := telemetry.NewLogger(os.Stderr, telemetry.LogOptions{Process: "admin", Level: "warn", Format: "text"})
	slog.SetDefault(log)
	p, err := openParts(ctx, log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards, patient)
	if err != nil {
		return nil, err
	}
	p.baseURL = cfg.Public.URL()
	return p, nil
}

type adminKeys struct {
	Only string `enum:"all,keyset,index-key" default:"all" help:"Print one value alone, for a secret's file: ${enum}."`
}

// Run reads no settings: it is how an installation gets its first ones.
func (c adminKeys) Run() error {
	keyset, index, err := vault.Generate()
	if err != nil {
		return err
	}
	key := base64.StdEncoding.EncodeToString(index)
	switch c.Only {
	case "keyset":
		fmt.Println(string(keyset))
	case "index-key":
		fmt.Println(key)
	default:
		fmt.Printf("VOLCARD_VAULT_KEYSET='%s'\nVOLCARD_VAULT_INDEX_KEY='%s'\n", keyset, key)
	}
	return nil
}

type adminFirst struct {
	Recover bool `help:"Also while an administrator exists: for an installation whose administrators are all lost."`
}

// Run prints the token once; only its hash is kept.
func (c adminFirst) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	staff, err := p.staff()
	if err != nil {
		return err
	}
	token, until, err := staffstore.FirstAdmin{Store: staff}.NewToken(ctx, c.Recover)
	if err != nil {
		return err
	}
	fmt.Printf("%s\nusable once, until %s\n", token, until.Format("2006-01-02 15:04 MST"))
	return nil
}

type adminUnlock struct {
	Login string `arg:"" help:"The account's login name."`
}

// Run forgets the failures that were counted; password and authenticator stay.
func (c adminUnlock) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	staff, err := p.staff()
	if err != nil {
		return err
	}
	if err := (staffstore.Accounts{Store: staff}).Unlock(ctx, operator(), c.Login); err != nil {
		return err
	}
	fmt.Println("unlocked")
	return nil
}

// staff is the store of the accounts of staff.
func (p *parts) staff() (staffstore.Store, error) {
	hasher, err := passwd.New(passwd.Standard())
	if err != nil {
		return staffstore.Store{}, err
	}
	return staffstore.Store{
		DB: p.db, Vault: p.vault, Clock: p.clock, Hasher: hasher,
		Limiter: codestore.Limiter{DB: p.db, Vault: p.vault, Clock: p.clock},
	}, nil
}

type adminImport struct {
	List  string `arg:"" enum:"branch,university" help:"Which list: ${enum}."`
	File  string `arg:"" type:"existingfile" help:"CSV file (UTF-8 or GB 18030)."`
	Apply bool   `help:"Do it. Without, only show what would change."`
}

// Run is dry until told otherwise.
func (c adminImport) Run(ctx context.Context) error {
	file, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	list := placestore.List(c.List)
	var sum placestore.Summary
	if c.Apply {
		sum, err = placestore.Apply(ctx, p.db, list, file, placestore.Importer{Actor: operator()}, p.clock.Now())
	} else {
		sum, err = placestore.New(p.db).DryRun(ctx, list, file)
	}
	printSummary(sum)
	if err != nil {
		return err
	}
	if len(sum.Errors) > 0 {
		return errFindings
	}
	if !c.Apply {
		fmt.Println("nothing was changed: --apply does it")
	}
	return nil
}

func printSummary(s placestore.Summary) {
	for _, e := range s.Errors {
		fmt.Printf("line %d %s: %s\n", e.Line, e.Column, e.Msg)
	}
	for _, c := range s.Changes {
		fmt.Printf("%-9s %s %s %v\n", c.Kind, c.Code, c.Name, c.Fields)
	}
	fmt.Printf("rows %d: added %d, changed %d, closed %d, unchanged %d; applications whose branch closes: %d\n",
		s.Rows, s.Added, s.Changed, s.Closed, s.Unchanged, s.Stranded)
}

type adminRotate struct {
	Yes bool `help:"Do it. Without, only say what would happen."`
}

// Run rotates; cards in people's hands stay valid, since the old public key stays published.
func (c adminRotate) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if !c.Yes {
		fmt.Println("new cards would be signed with a new key; the old public key stays published: --yes does it")
		return nil
	}
	keys := keystore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	r, err := keys.Rotate(ctx, operator(), p.terms.ExpiresAt(p.clock.Now()))
	if err != nil {
		return err
	}
	fmt.Printf("retired %s (published until %s), active %s\n", r.Retired, r.Until.Format("2006-01-02"), r.Active)
	return nil
}

type adminCheck struct{}

// Run waits for the check, which the worker does; its findings stand in the administrator's pages.
func (adminCheck) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	result, err := p.client.RunNightlyCheck(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("rows and processes: %d differences; books: %d findings\n", result.Cases, result.Books)
	if result.Cases+result.Books > 0 {
		return errFindings
	}
	return nil
}

// adminAccount stops the account of a person and lets it go on again. The ID number is read from standard
// input: as an argument it would stand in the shell's history and in the list of processes.
type adminAccount struct {
	Block   adminBlock   `cmd:"" help:"Stop an account and end its logins. Reads the ID number from standard input."`
	Unblock adminUnblock `cmd:"" help:"Let a stopped account log in again. Reads the ID number from standard input."`
}

type accountChange struct {
	Reason string `required:"" help:"Why, for the books; no personal data."`
	Yes    bool   `help:"Do it. Without, only say what would happen."`
}

type (
	adminBlock   struct{ accountChange }
	adminUnblock struct{ accountChange }
)

// Run is dry until told otherwise.
func (c adminBlock) Run(ctx context.Context) error { return c.run(ctx, true) }

// Run is dry until told otherwise.
func (c adminUnblock) Run(ctx context.Context) error { return c.run(ctx, false) }

func (c accountChange) run(ctx context.Context, block bool) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return c.change(ctx, p, block, os.Stdin, os.Stdout)
}

func (c accountChange) change(ctx context.Context, p *parts, block bool, in io.Reader, out io.Writer) error {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	id, err := person.ParseIDNumber(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	people, err := p.people()
	if err != nil {
		return err
	}
	profile, err := personstore.People{Store: people}.ByIDNumber(ctx, id)
	if err != nil {
		return err
	}
	state := map[bool]string{true: "blocked", false: "not blocked"}
	if !c.Yes {
		_, err := fmt.Fprintf(out, "%s %s is %s and would be %s: --yes does it\n",
			profile.Name.Masked(), profile.MaskedID, state[profile.Blocked], state[block])
		return err
	}
	accounts := personstore.Accounts{Store: people}
	if !block {
		if err := accounts.Unblock(ctx, profile.ID, operator(), c.Reason); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "%s %s is not blocked\n", profile.Name.Masked(), profile.MaskedID)
		return err
	}
	if err := accounts.Block(ctx, profile.ID, operator(), c.Reason); err != nil {
		return err
	}
	// After the block, so that no login of the moment between stays.
	ended, err := sessionstore.New(p.db, p.clock).EndAll(ctx, profile.ID, "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s is blocked; logins ended: %d\n", profile.Name.Masked(), profile.MaskedID, ended)
	return err
}

// adminCard changes what an issued card is worth to whoever checks it. The account is another matter:
// adminAccount.
type adminCard struct {
	Suspend adminSuspend `cmd:"" help:"Let nobody accept the card until it is resumed, nor hand it over: it was lost, or is misused."`
	Resume  adminResume  `cmd:"" help:"Let a suspended card hold again."`
	Cancel  adminCancel  `cmd:"" help:"End the card for good, once its application is done."`
}

type cardChange struct {
	Number string `arg:"" help:"The card's number, as it stands on it."`
	Reason string `required:"" help:"Why, for the books; no personal data."`
	Yes    bool   `help:"Do it. Without, only say what would happen."`
}

type (
	adminSuspend struct{ cardChange }
	adminResume  struct{ cardChange }
	adminCancel  struct{ cardChange }
)

// Run is dry until told otherwise.
func (c adminSuspend) Run(ctx context.Context) error { return c.run(ctx, card.Suspended) }

// Run is dry until told otherwise.
func (c adminResume) Run(ctx context.Context) error { return c.run(ctx, card.Valid) }

// Run is dry until told otherwise.
func (c adminCancel) Run(ctx context.Context) error { return c.run(ctx, card.Cancelled) }

func (c cardChange) run(ctx context.Context, become card.Status) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return c.change(ctx, p, become, os.Stdout)
}

func (c cardChange) change(ctx context.Context, p *parts, become card.Status, out io.Writer) error {
	if strings.TrimSpace(c.Reason) == "" {
		return errors.New("--reason says nothing")
	}
	standings := cardstore.Standings{Store: p.cards}
	now, err := standings.Look(ctx, c.Number)
	if err != nil {
		return err
	}
	name, err := person.ParseName(now.HolderName)
	if err != nil {
		return err
	}
	if now.Status == become {
		_, err := fmt.Fprintf(out, "card %s of %s is %s already\n", c.Number, name.Masked(), become)
		return err
	}
	if err := now.Refusal(become); err != nil {
		return err
	}
	if !c.Yes {
		_, err := fmt.Fprintf(out, "card %s of %s is %s and would be %s: --yes does it\n", c.Number, name.Masked(), now.Status, become)
		return err
	}
	if err := standings.Set(ctx, operator(), c.Number, become, c.Reason); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "card %s of %s is %s\n", c.Number, name.Masked(), become)
	return err
}
