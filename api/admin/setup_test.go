package admin_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/admin"
	"volcard/api/web/webtest"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

// direct carries decisions out without Temporal. A test says what goes wrong on the way.
type direct struct {
	process cardstore.Process
	works   stage.Works
	instead error
	calls   int
}

func (d *direct) DecideHeld(ctx context.Context, in workflows.DecideHeldInput) error {
	d.calls++
	if d.instead != nil {
		return d.instead
	}
	_, err := d.process.DecideHeld(ctx, in.ApplicationID, in.StaffID, in.Release, in.Reason)
	return err
}

func (d *direct) StartCalendarChange(context.Context) error {
	d.calls++
	return d.instead
}

// Start opens a batch at once.
func (d *direct) Start(ctx context.Context, id uuid.UUID) error {
	d.calls++
	if d.instead != nil {
		return d.instead
	}
	_, err := d.works.Batches.Freeze(ctx, id)
	return err
}

// effects tells what a test says of open promises, and with which calendar it was asked.
type effects struct {
	tell  cardstore.PromiseEffect
	waits int
	asked *calendar.Calendar
}

func (e *effects) Effect(_ context.Context, cal *calendar.Calendar) (cardstore.PromiseEffect, error) {
	e.asked = cal
	return e.tell, nil
}

// Affected implements admin.Pickups.
func (e *effects) Affected(context.Context, *calendar.Calendar) (int, error) { return e.waits, nil }

// house is a server with a province administrator, the demo's lists and a branch with stock.
type house struct {
	*webtest.Env
	rows    storetest.Rows
	store   cardstore.Store
	process *direct
	effects *effects
	missing map[rune]bool // characters that no font has
	staff   staffstore.Store
	admin   uuid.UUID
	first   staffstore.Enrolment // of admin
	branch  uuid.UUID
}

func setup(t *testing.T) *house {
	t.Helper()
	env := webtest.New(t)
	h := &house{
		Env:     env,
		rows:    storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()},
		store:   cardstore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		missing: map[rune]bool{},
		effects: &effects{},
	}
	hasher, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	h.staff = staffstore.Store{
		DB: env.DB, Vault: env.Vault, Clock: env.Clock, Hasher: hasher,
		Limiter: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	}
	require.NoError(t, placestore.Seed(t.Context(), env.DB, env.Clock))
	operator := store.Actor{Kind: "operator", ID: "test"}
	h.rows.SigningKey("TEST")
	first, err := staffstore.Accounts{Store: h.staff}.Create(t.Context(), operator,
		staffstore.NewStaff{Login: "province", Name: "陈静", Role: staffstore.ProvinceAdmin})
	require.NoError(t, err)
	h.admin, h.first = first.ID, first
	b, err := placestore.New(env.DB).BranchByCode(t.Context(), "DEMO-0101")
	require.NoError(t, err)
	h.branch = b.ID
	h.rows.Stock(h.branch, 5)
	h.process = &direct{process: cardstore.Process{
		Store: h.store, Terms: card.DefaultTerms(), Missing: h.lacks,
		Sign: func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil },
	}}
	h.process.works = stage.On(t, env.DB, env.Vault, env.Clock, h.process.process.Sign)
	h.process.process.Regular = h.process.works.Process.Regular
	admin.Routes(env.Router, admin.Deps{
		Kit: env.Kit, Process: h.process, DB: env.DB, Reads: adminstore.Store{DB: env.DB},
		Messages: messagestore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		Reports:  checkstore.Reports{DB: env.DB}, Accounts: staffstore.Accounts{Store: h.staff}, Logins: staffstore.Logins{Store: h.staff}, Missing: h.lacks,
		Batches: batchstore.Reads{Store: h.process.works.Batches.Store}, Press: h.process,
		Years: calendarstore.Years{DB: env.DB, Clock: env.Clock}, Promises: h.effects, Pickups: h.effects,
	})
	env.Start()
	return h
}

func (h *house) lacks(name string) []rune {
	var out []rune
	for _, r := range name {
		if h.missing[r] {
			out = append(out, r)
		}
	}
	return out
}

// applied is an application that its process has looked at.
func (h *house) applied(name, idNumber string) uuid.UUID {
	h.T.Helper()
	ctx := context.Background()
	who := h.rows.Person(name, idNumber)
	d := card.Draft{
		Edition: card.General, Identity: card.Student, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: h.Clock.Now(), UniversityCode: "HB001", DivisionCode: "420106", Address: "八一路299号", BranchID: h.branch,
	}
	_, err := cardstore.Drafts{Store: h.store}.Save(ctx, who, d, 0)
	require.NoError(h.T, err)
	submissions := cardstore.Submissions{Store: h.store}
	facts, err := submissions.Facts(ctx, who, d)
	require.NoError(h.T, err)
	accepted, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: who, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, facts),
	})
	require.NoError(h.T, err)
	require.Empty(h.T, reasons)
	_, err = h.process.process.Issue(ctx, accepted.ID)
	require.NoError(h.T, err)
	return accepted.ID
}

func (h *house) state(id uuid.UUID) card.State {
	h.T.Helper()
	s, err := cardstore.Cases{Store: h.store}.State(context.Background(), id)
	require.NoError(h.T, err)
	return s
}

func (h *house) me() *webtest.Client { return h.Admin(h.admin) }

func (h *house) count(sql string, args ...any) int {
	h.T.Helper()
	var n int
	require.NoError(h.T, h.DB.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// shots keeps pictures of a page for somebody to look at, where a folder is named.
func shots(t *testing.T, b *webtest.Browser, c *webtest.Client, path, name string) {
	t.Helper()
	folder := os.Getenv("VOLCARD_SHOTS")
	if folder == "" {
		return
	}
	for size, width := range map[string]int64{"1280": 1280, "375": 375} {
		picture(t, b, b.Tab(c, path, width, 800), name+"-"+size)
	}
}

func picture(t *testing.T, b *webtest.Browser, tab context.Context, name string) {
	t.Helper()
	if folder := os.Getenv("VOLCARD_SHOTS"); folder != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), b.Picture(tab), 0o600))
	}
}
