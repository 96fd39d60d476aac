package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/person"
	"volcard/internal/render"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/checkstore"
)

type adminRecheck struct {
	Since time.Time `format:"2006-01-02" placeholder:"2026-11-23" help:"Cards issued since this day in Shanghai. Without: those of the last 30 days."`
	Limit int       `default:"10000" help:"At most so many cards, the newest first; 0: all of them."`
}

// recheckDays is how far back it looks by itself: a nightly run sees each card about thirty times.
const recheckDays = 30

// Run prints what it finds; it changes nothing.
func (c adminRecheck) Run(ctx context.Context) error {
	p, err := adminParts(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.keys.Refresh(ctx); err != nil {
		return err
	}
	since := p.clock.Now().AddDate(0, 0, -recheckDays)
	if !c.Since.IsZero() {
		y, m, d := c.Since.Date()
		since = time.Date(y, m, d, 0, 0, 0, 0, clock.Shanghai)
	}
	r := recheck{
		issued: checkstore.Issued{DB: p.db, Vault: p.vault}, keys: p.keys, say: func(line string) { fmt.Println(line) },
		printer: printer{designs: p.designs, baseURL: p.baseURL, clock: p.clock},
	}
	return r.run(ctx, since, c.Limit)
}

// recheck re-examines what was issued with the rules by which it was issued. The auditor compares rows with
// each other; this makes each card's content anew and compares it with what its row says.
type recheck struct {
	issued  checkstore.Issued
	keys    *credential.Keyring
	printer printer
	say     func(line string)

	cards, files, findings int
}

// recheckPage is how many cards are in memory at once, each with its portrait.
const recheckPage = 200

// run names each bad card and file by its number, with nothing personal, and ends with errFindings on any.
func (r *recheck) run(ctx context.Context, since time.Time, limit int) error {
	more, err := r.walk(ctx, since, limit)
	if err != nil {
		return err
	}
	if err := r.walkFiles(ctx); err != nil {
		return err
	}
	note := ""
	if more {
		note = ", older ones are left out (--limit)"
	}
	r.say(fmt.Sprintf("%d cards and %d files examined%s; %d findings", r.cards, r.files, note, r.findings))
	if r.findings > 0 {
		return errFindings
	}
	return nil
}

func (r *recheck) found(format string, args ...any) {
	r.findings++
	r.say(fmt.Sprintf(format, args...))
}

// walk examines the cards by pages. It tells whether the limit left cards out.
func (r *recheck) walk(ctx context.Context, since time.Time, limit int) (more bool, err error) {
	for before := uuid.Max; ; {
		page, err := r.issued.Cards(ctx, before, recheckPage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		recent := false
		for _, c := range page {
			before = c.ID
			if c.IssuedAt.Before(since) {
				continue
			}
			if limit > 0 && r.cards == limit {
				return true, nil
			}
			recent = true
			r.cards++
			for _, reason := range r.examine(ctx, c) {
				r.found("card %s: %s", c.Number, reason)
			}
		}
		// Numbers of rows grow with time, so what follows a page of older cards is older still.
		if !recent {
			return false, nil
		}
	}
}

// examine lists what is wrong with a card.
func (r *recheck) examine(ctx context.Context, c checkstore.IssuedCard) []string {
	var wrong []string
	if number, ok := card.ParseCardNumber(c.Number); !ok || number != c.Number {
		wrong = append(wrong, "its number has wrong check digits")
	}
	if !person.IsVolunteerNo(c.VolunteerNo) {
		wrong = append(wrong, "its volunteer number has not the form of one")
	}
	if len(render.Missing(c.HolderName)) > 0 {
		wrong = append(wrong, "no font has all characters of its name")
	}
	return append(append(wrong, r.token(ctx, c)...), r.design(c)...)
}

// token redeems the card's QR as a checker of cards does, and compares what it says with the row.
func (r *recheck) token(ctx context.Context, c checkstore.IssuedCard) []string {
	now := r.printer.clock.Now()
	token, said, err := r.keys.Redeem(ctx, credential.URL(r.printer.baseURL, c.Token), now)
	switch {
	case errors.Is(err, credential.ErrUnknownKey) && c.ExpiresAt.Before(now):
		return nil // a key is published until the last of its cards has expired
	case err != nil && !errors.Is(err, credential.ErrExpired):
		return []string{"its token does not redeem"}
	}
	if _, err := person.ParseName(c.HolderName); err != nil {
		return []string{"its name is none by the rules"}
	}
	var wrong []string
	for _, f := range []struct {
		what string
		same bool
	}{
		{"text", token == c.Token},
		{"number", said.CardNumber == c.Number},
		{"edition", said.Edition == c.Edition},
		{"name", person.IsMask(said.MaskedName, c.HolderName)},
		{"first day", sameDay(said.IssuedOn, c.IssuedAt)},
		{"last day", sameDay(said.ExpiresOn, c.ExpiresAt)},
	} {
		if !f.same {
			wrong = append(wrong, "its token says another "+f.what)
		}
	}
	return wrong
}

func sameDay(a, b time.Time) bool {
	return a.In(clock.Shanghai).Format(time.DateOnly) == b.In(clock.Shanghai).Format(time.DateOnly)
}

// design lays a regular card out anew, as it was confirmed and as it was printed.
func (r *recheck) design(c checkstore.IssuedCard) []string {
	if c.Confirmed == nil {
		return nil
	}
	if c.Frozen != nil && !bytes.Equal(c.Frozen, c.Confirmed) {
		return []string{"its batch holds another design than was confirmed"}
	}
	list, err := r.printer.layout(batchstore.Card{
		Number: c.Number, HolderName: c.HolderName, VolunteerNo: c.VolunteerNo, Face: c.Face, Token: c.Token,
		IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, DesignHash: c.Confirmed, Photo: c.Photo,
	})
	switch {
	case err != nil:
		return []string{"it cannot be laid out any more"}
	case list == nil:
		return []string{"its layout is not what was confirmed"}
	case c.Printed == nil:
		return nil
	}
	if hash := list.Hash(); !bytes.Equal(hash[:], c.Printed) {
		return []string{"its layout is not what was printed"}
	}
	return nil
}

// walkFiles opens the factory's files, one after the other.
func (r *recheck) walkFiles(ctx context.Context) error {
	for after := uuid.Nil; ; {
		f, ok, err := r.issued.NextFile(ctx, after)
		if err != nil || !ok {
			return err
		}
		after = f.ID
		r.files++
		switch sum := sha256.Sum256(f.Body); {
		case f.Body == nil && f.Size > 0:
			r.found("file %s %s %d: it does not open", f.Batch, f.Kind, f.N)
		case len(f.Body) != f.Size || !bytes.Equal(sum[:], f.SHA256):
			r.found("file %s %s %d: its content is not what was written", f.Batch, f.Kind, f.N)
		}
	}
}
