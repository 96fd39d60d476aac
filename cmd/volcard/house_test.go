package main

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/config"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/passwd"
	"volcard/internal/photo/demo"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/codestore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
	"volcard/internal/store/verifystore"
	"volcard/internal/vault"
	"volcard/workflows"
)

// house is every page of the program on a database of its own, with one of everything that a
// route may name. No process runs in it.
type house struct {
	t      *testing.T
	parts  *parts
	env    *webtest.Env
	rows   storetest.Rows
	router chi.Router
	shown  *witness

	branch, elsewhere uuid.UUID
	colleague         uuid.UUID // a clerk whom an administrator looks at
	owner, stranger   uuid.UUID
	application       uuid.UUID // the owner's, ready at the branch
	held              uuid.UUID // somebody else's, held for a person
	token             string    // of the owner's card

	reviewer, factory uuid.UUID
	doubtful          uuid.UUID       // a regular case whose photo the reviewer looks at
	waiting           stage.Applicant // the same, of the one who applied
	batch, parcel     uuid.UUID       // shipped, with one parcel that has come to the branch
	arrived           uuid.UUID       // the parcel's case
}

// demoAPI is what an api of a demonstration on this database reads.
func demoAPI(t *testing.T, ownerURL string, more ...string) (config.API, *vault.Vault) {
	t.Helper()
	keyset, index, err := vault.Generate()
	require.NoError(t, err)
	v, err := vault.New(keyset, index)
	require.NoError(t, err)
	app, err := url.Parse(ownerURL)
	require.NoError(t, err)
	app.User = url.User("volcard_app")
	cfg, err := config.Load[config.API](append([]string{
		"VOLCARD_DATABASE_URL=" + app.String(), "VOLCARD_VAULT_KEYSET=" + string(keyset), "VOLCARD_DEMO=true",
		"VOLCARD_VAULT_INDEX_KEY=" + base64.StdEncoding.EncodeToString(index), "VOLCARD_TEMPORAL_ADDRESS=127.0.0.1:1",
		"PATH=" + os.Getenv("PATH"),
	}, more...))
	require.NoError(t, err)
	return cfg, v
}

// The demonstration's pages show codes and messages: they must not open on data of real people.
func TestADemonstrationRefusesRealData(t *testing.T) {
	t.Parallel()
	db, ownerURL := storetest.NewWithURL(t)
	_, err := db.Exec(t.Context(), `
		INSERT INTO message (id, dedupe_key, template, phone, params, state, receipt, due_at, created_at)
		VALUES ($1, 'one', 'withdrawn', '', '', 'sent', '1234^0', now(), now())`, uuid.Must(uuid.NewV7()))
	require.NoError(t, err)
	cfg, _ := demoAPI(t, ownerURL, "VOLCARD_METRICS_ADDR=127.0.0.1:0", "PORT=0")
	err = serveAPI(t.Context(), cfg, slog.New(slog.DiscardHandler), func(string) {})
	require.ErrorIs(t, err, messagestore.ErrReal)
}

// Whoever knows the demonstration's password would be an administrator of real people's data.
func TestADemonstrationsDataIsRefused(t *testing.T) {
	t.Parallel()
	db, ownerURL := storetest.NewWithURL(t)
	cfg, v := demoAPI(t, ownerURL, "VOLCARD_METRICS_ADDR=127.0.0.1:0", "PORT=0")
	hasher, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	accounts := staffstore.Accounts{Store: staffstore.Store{
		DB: db, Vault: v, Clock: clock.System{}, Hasher: hasher, Limiter: codestore.Limiter{DB: db, Vault: v, Clock: clock.System{}},
	}}
	staff := staffstore.NewStaff{Login: "admin", Name: "陈管理员", Role: staffstore.ProvinceAdmin, Password: demoPassword, KeepPassword: true}
	require.NoError(t, accounts.Seeded(t.Context()))
	_, err = accounts.Create(t.Context(), staffstore.Demo(), staff)
	require.NoError(t, err)
	_, err = db.Exec(t.Context(), "UPDATE staff SET disabled_at = now()") // the mark outlives the account
	require.NoError(t, err)
	cfg.Demo.On = false
	log := slog.New(slog.DiscardHandler)
	require.ErrorIs(t, serveAPI(t.Context(), cfg, log, func(string) {}), staffstore.ErrSeeded)
	worker := config.Worker{Database: cfg.Database, Temporal: cfg.Temporal, Vault: cfg.Vault, Cards: cfg.Cards, Metrics: cfg.Metrics}
	require.ErrorIs(t, serveWorker(t.Context(), worker, log, func(string) {}), staffstore.ErrSeeded)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, ownerURL := storetest.NewWithURL(t)
	cfg, v := demoAPI(t, ownerURL)
	log := slog.New(slog.DiscardHandler)
	p, err := openParts(t.Context(), log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards, patient)
	require.NoError(t, err)
	t.Cleanup(p.close)
	require.NoError(t, keystore.Store{DB: db, Vault: v, Clock: clock.System{}}.Ensure(t.Context(), store.Process("test")))
	require.NoError(t, p.keys.Refresh(t.Context()))
	ended, cancel := context.WithCancel(context.Background())
	cancel() // no process is started here
	starter := workflows.NewStarter(ended, p.client, 1)
	handler, err := pages(p, cfg, starter, casewatch.New(p.db, cardstore.CaseChannel, p.moved, log))
	require.NoError(t, err)
	shown := newWitness(t)
	server := httptest.NewServer(shown.watch(handler))
	t.Cleanup(server.Close)
	router, ok := handler.(chi.Router)
	require.True(t, ok)

	h := &house{
		t: t, parts: p, env: webtest.Against(t, db, v, server.URL), router: router, shown: shown,
		rows: storetest.Rows{T: t, DB: db, Vault: v, Now: clock.System{}.Now()},
	}
	h.branch, h.elsewhere = h.rows.Branch("光谷支行"), h.rows.Branch("江汉支行")
	h.rows.Stock(h.branch, 2)
	h.colleague = h.rows.Clerk("周柜员", h.branch)
	h.owner, h.stranger = h.rows.Person("王𠮷", "420199200402290023"), h.rows.Person("张䶮", "420199200505040019")
	h.application = h.issued(h.owner, func(string) []rune { return nil })
	h.held = h.issued(h.rows.Person("李某", "420199200612310117"), func(name string) []rune { return []rune(name) })
	require.NoError(t, db.QueryRow(t.Context(), "SELECT token FROM card").Scan(&h.token))
	h.regular()
	return h
}

// regular adds what the rooms of production look at.
func (h *house) regular() {
	h.t.Helper()
	works := stage.On(h.t, h.env.DB, h.env.Vault, clock.System{}, h.parts.sign)
	h.reviewer, h.factory = h.rows.Staff("赵审核", "reviewer"), h.rows.Staff("钱师傅", "factory")
	made := works.Apply("孙浩然", "42019920040229004X", h.branch, demo.Portrait(0))
	works.Apply("阿依古丽", "420199199901040023", h.elsewhere, demo.Portrait(1))
	h.arrived, h.batch = made.ID, works.Freeze()
	works.Render(h.batch)
	works.Ship(h.batch, h.factory)
	h.parcel = works.Parcel(h.batch, h.branch)
	works.Receive(h.batch, h.branch, h.colleague)
	h.waiting = works.Apply("周周", storetest.IDNumber(7), h.branch, demo.Portrait(2), "dark")
	h.doubtful = h.waiting.ID
}

// client is a browser of somebody in this role, with a login of its own: some routes end it.
func (h *house) client(role string) *webtest.Client {
	h.t.Helper()
	switch role {
	case "owner":
		return h.env.Person(h.owner, "王𠮷")
	case "regular owner":
		return h.env.Person(h.waiting.Person, h.waiting.Name)
	case "stranger":
		return h.env.Person(h.stranger, "张䶮")
	case "clerk":
		return h.env.Clerk(h.rows.Clerk("李柜员", h.branch), h.branch)
	case "clerk elsewhere":
		return h.env.Clerk(h.rows.Clerk("张柜员", h.elsewhere), h.elsewhere)
	case "admin":
		return h.env.Admin(uuid.Must(uuid.NewV7()))
	case "factory":
		return h.env.Factory(h.factory)
	case "reviewer":
		// Some routes give the case back, or let another reviewer take it.
		_, err := h.env.DB.Exec(h.t.Context(), "UPDATE application SET reviewer_id = $2, review_until = $3 WHERE id = $1",
			h.doubtful, h.reviewer, h.parts.clock.Now().Add(time.Minute))
		require.NoError(h.t, err)
		return h.env.Reviewer(h.reviewer)
	case "other reviewer":
		return h.env.Reviewer(h.rows.Staff("吴审核", "reviewer"))
	}
	return h.env.Client()
}

// row names a route as the matrix does.
func (h *house) row(route string) string {
	if strings.HasPrefix(route, "/admin/staff/{id}") { // the id of a member of staff, not of a case
		return strings.Replace(route, "{id}", "{staff}", 1)
	}
	return route
}

// path puts what exists here into a route.
func (h *house) path(route string) string {
	id := h.application
	for part, other := range map[string]uuid.UUID{
		"/held/": h.held, "/factory/batches/": h.batch, "/admin/batches/": h.batch, "/branch/parcels/": h.parcel, "/review/cases/": h.doubtful,
		"/cards/{id}/design": h.doubtful, "/cards/{id}/phone": h.doubtful,
		"/branch/cases/{id}/photo": h.arrived,
	} {
		if strings.Contains(route, part) {
			id = other
		}
	}
	return strings.NewReplacer("{id}", id.String(), "{n}", "1", "{photo}", h.waiting.Photo.String(), "{staff}", h.colleague.String(), "{token}", h.token, "*", "app.css").Replace(route)
}

// draft is an application to the branch on which nothing is missing.
func (h *house) draft(owner uuid.UUID) card.Draft {
	h.t.Helper()
	d := card.Draft{
		Edition: card.General, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: h.parts.clock.Now().Add(-time.Minute), UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: h.branch,
	}
	_, err := cardstore.Drafts{Store: h.parts.cards}.Save(h.t.Context(), owner, d, 0)
	require.NoError(h.t, err)
	return d
}

// issued submits and issues, or holds, where fonts lack characters of the name.
func (h *house) issued(owner uuid.UUID, missing func(string) []rune) uuid.UUID {
	h.t.Helper()
	ctx := h.t.Context()
	d := h.draft(owner)
	submissions := cardstore.Submissions{Store: h.parts.cards}
	f, err := submissions.Facts(ctx, owner, d)
	require.NoError(h.t, err)
	a, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: owner, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f),
	})
	require.NoError(h.t, err)
	require.Empty(h.t, reasons)
	process := h.parts.activities().Card.Process
	process.Missing = missing
	_, err = process.Issue(ctx, a.ID)
	require.NoError(h.t, err)
	return a.ID
}

func TestAccountIsBlocked(t *testing.T) {
	h := newHouse(t)
	number := storetest.IDNumber(920)
	c := h.newcomer(number)
	change := func(block, yes bool) string {
		var out strings.Builder
		require.NoError(t, accountChange{Reason: "lost", Yes: yes}.change(t.Context(), h.parts, block, strings.NewReader(number+"\n"), &out))
		require.NotContains(t, out.String(), number)
		return out.String()
	}
	require.Contains(t, change(true, false), "would be blocked")
	c.Get("/account").WantAt("/account")
	require.Contains(t, change(true, true), "logins ended: 1")
	c.Get("/account").WantAt("/login?ended=1&next=%2Faccount")
	c.Get("/login").Submit("main form", map[string]string{"id_number": number, "password": demoPassword}).Want(422).WantError("", "已被停用")
	change(false, true)
	c.Get("/login").Submit("main form", map[string]string{"id_number": number, "password": demoPassword}).WantAt("/account")
	require.Error(t, accountChange{Reason: "x"}.change(t.Context(), h.parts, true, strings.NewReader(""), io.Discard))
}

// A lost card: the QR, the published list and the counter say so at once, and again no more.
func TestCardIsSuspended(t *testing.T) {
	h := newHouse(t)
	var number string
	require.NoError(t, h.env.DB.QueryRow(t.Context(), "SELECT number FROM card WHERE application_id = $1", h.application).Scan(&number))
	change := func(become card.Status, yes bool) (string, error) {
		var out strings.Builder
		err := cardChange{Number: number, Reason: "lost", Yes: yes}.change(t.Context(), h.parts, become, &out)
		return out.String(), err
	}
	shows := func(status string) {
		t.Helper()
		h.env.Client().Get("/v/" + h.token).Want(200).Has(`.verdict[data-status="` + status + `"]`)
	}
	out, err := change(card.Suspended, false)
	require.NoError(t, err)
	require.Contains(t, out, "would be suspended")
	shows("valid")
	_, err = change(card.Suspended, true)
	require.NoError(t, err)
	shows("suspended")
	h.client("owner").Get("/cards/"+h.application.String()).Want(200).WantText("main", "已暂停使用")
	revoked, err := verifystore.Store{DB: h.env.DB}.Revoked(t.Context(), clock.System{}.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, []credential.Revoked{{Token: h.token, Status: "suspended"}}, revoked)
	keys := h.parts.keys
	_, _, listed, err := keys.ReadStatusList(h.env.Client().Get("/.well-known/volcard/status-list").Want(200).Body)
	require.NoError(t, err)
	said, ok := listed(number)
	require.True(t, ok)
	require.Equal(t, "suspended", said)
	out, err = change(card.Suspended, true)
	require.NoError(t, err)
	require.Contains(t, out, "already")
	_, err = change(card.Cancelled, true)
	require.True(t, fault.Is(err, fault.Conflict), "its application is open")
	_, err = change(card.Valid, true)
	require.NoError(t, err)
	shows("valid")
	require.Error(t, cardChange{Number: number, Reason: " ", Yes: true}.change(t.Context(), h.parts, card.Suspended, io.Discard))
}
