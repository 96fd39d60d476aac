package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/uuid/v5"
	"github.com/pquerna/otp/totp"

	"volcard/api/public"
	"volcard/internal/config"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/staffstore"
)

// The demonstration's people have numbers of area 420199, which is assigned to nobody, and names
// that broke other systems.
var demoPeople = []struct{ name, idNumber, phone string }{
	{"阿卜杜热合曼·买买提", "420199200402290023", "13900000001"},
	{"王𠮷", "420199200505040019", "13900000002"},
	{"张小满", "42019920040229004X", "13900000003"},
}

const (
	demoPassword = "volcard-demo-1" //nolint:gosec // printed at every start; real installations have no default account
	// demoStock is how many general cards lie at each branch.
	demoStock = 20
	// demoCounter is the branch of the demonstration's clerk.
	demoCounter = 0
)

// demoAccounts are the people as the page of logins names them.
func demoAccounts() []public.DemoPerson {
	list := make([]public.DemoPerson, len(demoPeople))
	for i, x := range demoPeople {
		list[i] = public.DemoPerson{Name: x.name, IDNumber: x.idNumber}
	}
	return list
}

// seed fills a new database with the demonstration's data and returns its logins. Every part is
// skipped where it exists already, so that a start that was cut short is made whole by the next.
func (d *dev) seed(ctx context.Context, cfg config.Worker) ([]login, error) {
	p, err := openParts(ctx, d.log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards, patient)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := placestore.Seed(ctx, p.db, p.clock); err != nil {
		return nil, err
	}
	secrets, err := demoSecrets(filepath.Join(d.cfg.Data, "secrets", "demo_totp.json"))
	if err != nil {
		return nil, err
	}
	return p.seed(ctx, secrets)
}

func (p *parts) seed(ctx context.Context, secrets totpSecrets) ([]login, error) {
	people, err := p.people()
	if err != nil {
		return nil, err
	}
	if err := seedPeople(ctx, personstore.People{Store: people}); err != nil {
		return nil, err
	}
	branches, err := placestore.New(p.db).Branches(ctx, placestore.BranchFilter{})
	if err != nil || len(branches) == 0 {
		return nil, errors.Join(err, errors.New("no branches"))
	}
	staff := staffstore.Store{
		DB: p.db, Vault: p.vault, Clock: p.clock, Hasher: people.Hasher,
		Limiter: codestore.Limiter{DB: p.db, Vault: p.vault, Clock: p.clock},
	}
	if err := seedStaff(ctx, staffstore.Accounts{Store: staff}, branches[demoCounter], secrets); err != nil {
		return nil, err
	}
	if err := p.seedStock(ctx, branches); err != nil {
		return nil, err
	}
	return logins(ctx, people, staff)
}

// otherPassword stands in the table for one that somebody has changed.
const otherPassword = "(changed)"

// logins tells what opens the accounts now: people of a demonstration change passwords, and an
// administrator moves and resets accounts.
func logins(ctx context.Context, people personstore.Store, staff staffstore.Store) ([]login, error) {
	var list []login
	for _, x := range demoPeople {
		id, err := person.ParseIDNumber(x.idNumber)
		if err != nil {
			return nil, fmt.Errorf("demo person: %w", err)
		}
		profile, err := personstore.People{Store: people}.ByIDNumber(ctx, id)
		if err != nil {
			return nil, err
		}
		l := login{Audience: "applicant " + x.name, Path: "/login", Account: x.idNumber, Password: demoPassword}
		err = personstore.Accounts{Store: people}.CheckPassword(ctx, profile.ID, demoPassword)
		switch fault.KindOf(err) {
		case fault.Invalid, fault.TooMany, fault.Forbidden:
			l.Password = otherPassword
		default:
			if err != nil {
				return nil, err
			}
		}
		list = append(list, l)
	}
	for _, x := range []struct{ login, who string }{
		{"clerk", "clerk"}, {"admin", "province administrator"}, {"reviewer", "reviewer of photos"}, {"factory", "card factory"},
	} {
		keys, err := staff.DemoKeys(ctx, x.login, demoPassword)
		if err != nil {
			return nil, err
		}
		l := login{x.who, "/staff/login", x.login, demoPassword, keys.TOTPSecret}
		if keys.Branch != "" {
			l.Audience += ", " + keys.Branch
		}
		if !keys.Opens {
			l.Password = otherPassword
		}
		list = append(list, l)
	}
	return list, nil
}

// totpSecrets are the second factors of the demonstration's staff. They stand in a file, since the
// database holds them sealed and the table of logins is printed at every start.
type totpSecrets struct{ Clerk, Admin, Reviewer, Factory string }

func demoSecrets(path string) (totpSecrets, error) {
	var s totpSecrets
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("demo logins: %w", err)
	}
	// A file of an earlier version lacks the accounts that came later.
	for account, secret := range map[string]*string{"clerk": &s.Clerk, "admin": &s.Admin, "reviewer": &s.Reviewer, "factory": &s.Factory} {
		if *secret != "" {
			continue
		}
		key, err := totp.Generate(totp.GenerateOpts{Issuer: "volcard", AccountName: account})
		if err != nil {
			return s, fmt.Errorf("demo logins: %w", err)
		}
		*secret = key.Secret()
	}
	if b, err = json.Marshal(s); err != nil {
		return s, fmt.Errorf("demo logins: %w", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return s, fmt.Errorf("demo logins: %w", err)
	}
	return s, nil
}

func seedPeople(ctx context.Context, people personstore.People) error {
	for _, x := range demoPeople {
		id, err1 := person.ParseIDNumber(x.idNumber)
		name, err2 := person.ParseName(x.name)
		phone, err3 := person.ParsePhone(x.phone)
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("demo person: %w", err)
		}
		var consents []consent.Purpose
		for _, item := range consent.ForRegistration(false) {
			consents = append(consents, item.Purpose)
		}
		_, err := people.Register(ctx, personstore.NewPerson{
			Name: name, IDNumber: id, Phone: phone, DivisionCode: "420106", Address: "演示路1号",
			Password: demoPassword, Consents: consents,
		})
		if err != nil && !fault.Is(err, fault.Conflict) {
			return fmt.Errorf("demo person: %w", err)
		}
	}
	return nil
}

func seedStaff(ctx context.Context, accounts staffstore.Accounts, counter placestore.Branch, s totpSecrets) error {
	for _, n := range []staffstore.NewStaff{
		{Login: "clerk", Name: "李柜员", Role: staffstore.Clerk, BranchID: counter.ID, TOTPSecret: s.Clerk},
		{Login: "admin", Name: "陈管理员", Role: staffstore.ProvinceAdmin, TOTPSecret: s.Admin},
		{Login: "reviewer", Name: "林审核", Role: staffstore.Reviewer, TOTPSecret: s.Reviewer},
		{Login: "factory", Name: "演示制卡厂", Role: staffstore.Factory, TOTPSecret: s.Factory},
	} {
		n.Password, n.KeepPassword = demoPassword, true
		if _, err := accounts.Create(ctx, staffstore.Demo(), n); err != nil && !fault.Is(err, fault.Conflict) {
			return fmt.Errorf("demo staff: %w", err)
		}
	}
	return nil
}

// seedStock gives every branch a small delivery of cards, whose serials name the branch.
func (p *parts) seedStock(ctx context.Context, branches []placestore.Branch) error {
	stock := cardstore.Stock{Store: p.cards}
	for i, b := range branches {
		first, last := fmt.Sprintf("HB%03d00001", i+1), fmt.Sprintf("HB%03d%05d", i+1, demoStock)
		_, err := stock.Receive(ctx, b.ID, first, last, uuid.Nil)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return fmt.Errorf("demo stock: %w", err)
		}
	}
	return nil
}
