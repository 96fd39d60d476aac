package world

import (
	"context"
	"sort"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/person"
	"volcard/internal/render"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/keystore"
)

// Case is an application without a process: a test chooses when it was submitted, and what starts
// its process.
type Case struct {
	ID     uuid.UUID
	Person uuid.UUID
	Branch uuid.UUID
	Clerk  uuid.UUID
	Serial string // of the reserved card; of a regular case the card's own number, once it is issued
	Photo  uuid.UUID
	clock  *clock.Fake
	world  *World
	making cardstore.Regular
	mended bool
}

// Ago is a time before now.
func Ago(d time.Duration) time.Time { return clock.System{}.Now().Add(-d) }

// Accepted submits an application of a new person at the given time. Nobody starts its process.
func (w *World) Accepted(name string, at time.Time) *Case {
	w.T.Helper()
	ctx := context.Background()
	c := &Case{Branch: w.Branch, Clerk: w.Clerk, clock: clock.NewFake(at), world: w}
	c.Person = w.Rows.Person(name, IDNumber(w.nextPerson()))
	cards := c.cards()
	d := w.draft(at)
	_, err := cardstore.Drafts{Store: cards}.Save(ctx, c.Person, d, 0)
	require.NoError(w.T, err)
	submissions := cardstore.Submissions{Store: cards}
	facts, err := submissions.Facts(ctx, c.Person, d)
	require.NoError(w.T, err)
	accepted, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: c.Person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, facts),
	})
	require.NoError(w.T, err)
	require.Empty(w.T, reasons)
	c.ID = accepted.ID
	require.NoError(w.T, w.DB.QueryRow(ctx, "SELECT serial FROM stock_card WHERE application_id = $1", c.ID).Scan(&c.Serial))
	return c
}

// Seen is since when the case has been in its state, as a clerk's page knows it.
func (c *Case) Seen() (at time.Time) {
	c.world.T.Helper()
	c.world.Until("the case is seen", func() bool {
		return c.world.DB.QueryRow(context.Background(), "SELECT coalesce(closed_at, ready_at) FROM application WHERE id = $1", c.ID).Scan(&at) == nil
	})
	return at
}

func (c *Case) cards() cardstore.Store {
	return cardstore.Store{DB: c.world.DB, Vault: c.world.Vault, Clock: c.clock}
}

// Later moves the time of what Process does.
func (c *Case) Later(d time.Duration) *Case {
	c.clock.Advance(d)
	return c
}

// Process makes moves of the case as if a process had made them at the case's own time.
func (c *Case) Process(terms card.Terms) cardstore.Process {
	return cardstore.Process{Store: c.cards(), Terms: terms, Sign: c.world.sign, Missing: render.Missing, Regular: c.making}
}

// sign signs as the program does, with the key of this world.
func (w *World) sign(in cardstore.Intent) (token, kid string, err error) {
	name, err := person.ParseName(in.HolderName)
	if err != nil {
		return "", "", err
	}
	keys := keystore.Store{DB: w.DB, Vault: w.Vault, Clock: clock.System{}}
	ctx := context.Background()
	if err := keys.Ensure(ctx, store.Process("test")); err != nil {
		return "", "", err
	}
	ring := credential.NewKeyring(keys)
	if err := ring.Refresh(ctx); err != nil {
		return "", "", err
	}
	return ring.Sign(credential.Claims{
		CardNumber: in.Number, Edition: string(in.Edition), MaskedName: name.Masked(), IssuedOn: in.IssuedAt, ExpiresOn: in.ExpiresAt,
	})
}

// Texts answers a query of one text column. Rows come as the query orders them.
func (w *Books) Texts(sql string, args ...any) []string {
	w.T.Helper()
	var texts []string
	w.Until(sql, func() bool {
		return w.DB.QueryRow(context.Background(), "SELECT ARRAY("+sql+")", args...).Scan(&texts) == nil
	})
	return texts
}

// Moves lists the moves of a case, in order, from its audit chain.
func (w *Books) Moves(id uuid.UUID) []string {
	w.T.Helper()
	return w.Texts("SELECT action FROM audit_entry WHERE subject_kind = 'application' AND subject_id = $1 ORDER BY seq", id)
}

// Told lists the templates of the messages about a case, sorted.
func (w *Books) Told(id uuid.UUID) []string {
	w.T.Helper()
	told := w.Texts("SELECT template FROM message WHERE dedupe_key LIKE $1 || ':%'", id.String())
	sort.Strings(told)
	return told
}

// Booked lists the ledger entries of a case, in order.
func (w *Books) Booked(id uuid.UUID) []string {
	w.T.Helper()
	return w.Texts("SELECT kind FROM stock_entry WHERE application_id = $1 ORDER BY id", id)
}
