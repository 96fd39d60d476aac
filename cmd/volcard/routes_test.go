package main

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/config"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
	"volcard/workflows"
)

// access says who may use a route.
type access string

const (
	open      access = "anybody"
	ownLogin  access = "whoever names one of the own logins, which nobody does here"
	people    access = "whoever is logged in as a person"
	ownCase   access = "the person whose case it is"
	clerk     access = "any clerk"
	ownBranch access = "a clerk of the case's branch"
	province  access = "a province administrator"
	anyStaff  access = "any member of staff"
)

// matrix has a row for every route of the house; one that is missing fails the test.
var matrix = map[string]access{
	"GET /": open, "GET /static/*": open, "GET /parts/divisions": open,
	"GET /status": open, "POST /status": open,
	"GET /v/{token}": open, "HEAD /v/{token}": open, "GET /V/{token}": open, "HEAD /V/{token}": open,
	"GET /verify": open, "GET /.well-known/volcard/keys": open, "GET /.well-known/volcard/revoked": open,
	"GET /dev/outbox": open, "GET /dev/logins": open,

	"GET /register": open, "POST /register": open, "GET /register/guardian": open, "POST /register/guardian": open,
	"GET /register/phone": open, "POST /register/phone": open, "GET /register/code": open, "POST /register/code": open,
	"POST /register/resend": open, "GET /login": open, "POST /login": open, "POST /logout": open,
	"GET /reset": open, "POST /reset": open, "GET /reset/code": open, "POST /reset/code": open, "POST /reset/resend": open,

	"GET /account": people, "GET /account/password": people, "POST /account/password": people,
	"GET /account/phone": people, "POST /account/phone": people, "GET /account/phone/code": people,
	"POST /account/phone/code": people, "POST /account/phone/resend": people, "GET /account/consents": people,
	"POST /account/consents/give": people, "POST /account/consents/withdraw": people, "GET /account/logins": people,
	"POST /account/logins/end": ownLogin, "POST /account/logins/end-others": people,

	"GET /apply": people, "GET /apply/universities": people, "POST /apply/branch/near": people,
	"GET /apply/preview": people, "GET /apply/preview.jpg": people, "POST /apply/submit": people,
	"GET /apply/edition": people, "POST /apply/edition": people, "GET /apply/identity": people, "POST /apply/identity": people,
	"GET /apply/notice": people, "POST /apply/notice": people, "GET /apply/phone": people, "POST /apply/phone": people,
	"GET /apply/unit": people, "POST /apply/unit": people, "GET /apply/branch": people, "POST /apply/branch": people,

	"GET /cards": people, "GET /cards/{id}": ownCase, "GET /cards/{id}/card.jpg": ownCase, "GET /cards/{id}/card.pdf": ownCase,
	"GET /cards/{id}/card.svg": ownCase, "GET /cards/{id}/pickup.svg": ownCase,
	"GET /cards/{id}/withdraw": ownCase, "POST /cards/{id}/withdraw": ownCase, "GET /cards/{id}/branch": ownCase,
	"POST /cards/{id}/branch": ownCase, "POST /cards/{id}/branch/near": ownCase,

	"GET /staff/login": open, "POST /staff/login": open, "POST /staff/logout": open, "GET /staff/first": open, "POST /staff/first": open,
	"GET /staff/password/initial": open, "POST /staff/password/initial": open,
	"GET /staff": anyStaff, "GET /staff/password": anyStaff, "POST /staff/password": anyStaff,

	"GET /branch/": clerk, "POST /branch/": clerk, "GET /branch/cases/{id}": ownBranch, "POST /branch/cases/{id}": ownBranch,
	"GET /branch/cases/{id}/undo": ownBranch, "POST /branch/cases/{id}/undo": ownBranch, "GET /branch/stock": clerk,
	"GET /admin/": province, "GET /admin/checks": province, "GET /admin/keys": province, "GET /admin/stock": province,
	"GET /admin/held": province, "GET /admin/held/{id}": province, "POST /admin/held/{id}": province,
	"GET /admin/staff": province, "GET /admin/staff/new": province, "POST /admin/staff/new": province,
	"GET /admin/staff/{staff}": province, "POST /admin/staff/{staff}/reset": province, "POST /admin/staff/{staff}/standing": province,
	"GET /admin/branches": province, "GET /admin/branches/export": province, "GET /admin/branches/import": province,
	"POST /admin/branches/import": province, "POST /admin/branches/apply": province,
	"GET /admin/universities": province, "GET /admin/universities/export": province, "GET /admin/universities/import": province,
	"POST /admin/universities/import": province, "POST /admin/universities/apply": province,

	"GET /branch/stock/receive": clerk, "POST /branch/stock/receive": clerk, "GET /branch/stock/spoil": clerk, "POST /branch/stock/spoil": clerk,
}

// roles are everybody who tries every route.
var roles = []string{"nobody", "owner", "stranger", "clerk", "clerk elsewhere", "admin"}

// may tells whether a role passes the door and finds the object.
func (a access) may(role string) bool {
	switch a {
	case open:
		return true
	case people:
		return role == "owner" || role == "stranger"
	case ownCase:
		return role == "owner"
	case clerk:
		return strings.HasPrefix(role, "clerk")
	case ownBranch:
		return role == "clerk"
	case province:
		return role == "admin"
	case ownLogin:
	case anyStaff:
		return strings.HasPrefix(role, "clerk") || role == "admin"
	}
	return false
}

func TestEveryRouteByEveryRole(t *testing.T) {
	db, ownerURL := storetest.NewWithURL(t)
	keyset, index, err := vault.Generate()
	require.NoError(t, err)
	v, err := vault.New(keyset, index)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	app, err := url.Parse(ownerURL)
	require.NoError(t, err)
	app.User = url.User("volcard_app")
	cfg, err := config.Load[config.API]([]string{
		"VOLCARD_DATABASE_URL=" + app.String(), "VOLCARD_VAULT_KEYSET=" + string(keyset), "VOLCARD_DEMO=true",
		"VOLCARD_VAULT_INDEX_KEY=" + base64.StdEncoding.EncodeToString(index), "VOLCARD_TEMPORAL_ADDRESS=127.0.0.1:1",
		"PATH=" + os.Getenv("PATH"),
	})
	require.NoError(t, err)
	p, err := openParts(t.Context(), log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards)
	require.NoError(t, err)
	t.Cleanup(p.close)
	require.NoError(t, keystore.Store{DB: db, Vault: v, Clock: clock.System{}}.Ensure(t.Context(), store.Process("test")))
	require.NoError(t, p.keys.Refresh(t.Context()))
	ended, cancel := context.WithCancel(context.Background())
	cancel() // no process is started here
	starter := workflows.NewStarter(ended, p.client, 1)
	handler, err := pages(p, cfg, starter, casewatch.New(p.db, cardstore.CaseChannel, p.moved, log))
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	rows := storetest.Rows{T: t, DB: db, Vault: v, Now: clock.System{}.Now()}
	branch, elsewhere := rows.Branch("光谷支行"), rows.Branch("江汉支行")
	rows.Stock(branch, 2)
	colleague := rows.Clerk("周柜员", branch)
	owner, stranger := rows.Person("王𠮷", "420199200402290023"), rows.Person("张䶮", "420199200505040019")
	id := issuedCase(t, p, owner, branch, func(string) []rune { return nil })
	held := issuedCase(t, p, rows.Person("李某", "420199200612310117"), branch, func(name string) []rune { return []rune(name) })
	var token string
	require.NoError(t, db.QueryRow(t.Context(), "SELECT token FROM card").Scan(&token))

	env := webtest.Against(t, db, v, server.URL)
	client := func(role string) *webtest.Client {
		switch role {
		case "owner":
			return env.Person(owner, "王𠮷").Still()
		case "stranger":
			return env.Person(stranger, "张䶮").Still()
		case "clerk":
			return env.Clerk(rows.Clerk("李柜员", branch), branch).Still()
		case "clerk elsewhere":
			return env.Clerk(rows.Clerk("张柜员", elsewhere), elsewhere).Still()
		case "admin":
			return env.Admin(uuid.Must(uuid.NewV7())).Still()
		}
		return env.Client().Still()
	}

	router, ok := handler.(chi.Router)
	require.True(t, ok)
	seen := map[string]bool{}
	require.NoError(t, chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/admin/staff/{id}") { // the id of a member of staff, not of a case
			route = strings.Replace(route, "{id}", "{staff}", 1)
		}
		name := method + " " + route
		who, ok := matrix[name]
		if !ok {
			t.Errorf("%s has no row in the matrix: say who may use it", name)
			return nil
		}
		seen[name] = true
		id := id
		if strings.Contains(route, "/held/") {
			id = held
		}
		path := strings.NewReplacer("{id}", id.String(), "{staff}", colleague.String(), "{token}", token, "*", "app.css").Replace(route)
		for _, role := range roles {
			// A login of its own for each try: some routes end it.
			page := client(role).Do(method, path, "application/x-www-form-urlencoded", strings.NewReader(""))
			if who == open {
				// An open door may still lead to a login; it refuses nobody.
				require.NotEqual(t, http.StatusForbidden, page.Response.StatusCode, name)
				require.Less(t, page.Response.StatusCode, 500, name)
				continue
			}
			if got := let(page); got != who.may(role) {
				t.Errorf("%s by %q: status %d to %q, but it is for %s", name, role, page.Response.StatusCode, page.Location(), who)
			}
		}
		return nil
	}))
	for name := range matrix {
		require.True(t, seen[name], "%s is in the matrix and nowhere else", name)
	}
}

// let tells whether an answer let somebody in: not sent to a login, not forbidden, not told that
// the object does not exist.
func let(p *webtest.Page) bool {
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, p.Response.StatusCode) {
		return false
	}
	to := p.Location()
	return !strings.HasPrefix(to, "/login") && !strings.HasPrefix(to, web.StaffLogin)
}

// issuedCase submits and issues, or holds, where fonts lack characters of the name.
func issuedCase(t *testing.T, p *parts, owner, branch uuid.UUID, missing func(string) []rune) uuid.UUID {
	t.Helper()
	ctx := t.Context()
	d := card.Draft{
		Edition: card.General, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: p.clock.Now().Add(-time.Minute), UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: branch,
	}
	_, err := cardstore.Drafts{Store: p.cards}.Save(ctx, owner, d, 0)
	require.NoError(t, err)
	submissions := cardstore.Submissions{Store: p.cards}
	f, err := submissions.Facts(ctx, owner, d)
	require.NoError(t, err)
	a, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: owner, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f),
	})
	require.NoError(t, err)
	require.Empty(t, reasons)
	process := p.activities().Card.Process
	process.Missing = missing
	_, err = process.Issue(ctx, a.ID)
	require.NoError(t, err)
	return a.ID
}
