package world

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
)

// Applicant is a person with a complete draft, at the preview.
type Applicant struct {
	ID     uuid.UUID
	Tail   string // of the ID number, as a clerk reads it
	Client *webtest.Client
	form   url.Values
}

// Applicant adds a person who is logged in at an api and stands before 立即申请. n tells people apart.
func (w *World) Applicant(env *webtest.Env, n int, name string) *Applicant {
	w.T.Helper()
	return w.atPreview(env, w.Rows.Person(name, IDNumber(n)), n, name, w.draft(clock.System{}.Now()))
}

// RegularApplicant is an Applicant for the regular edition, whose photo the check has passed.
func (w *World) RegularApplicant(env *webtest.Env, n int, name string) *Applicant {
	w.T.Helper()
	id := w.Rows.Person(name, IDNumber(n))
	p, err := portrait()
	require.NoError(w.T, err)
	d := w.draft(clock.System{}.Now())
	d.Edition, d.Face, d.PhotoID = card.Regular, Face, w.Rows.Photo(id, "clear", p.JPEG)
	return w.atPreview(env, id, n, name, d)
}

func (w *World) atPreview(env *webtest.Env, id uuid.UUID, n int, name string, d card.Draft) *Applicant {
	w.T.Helper()
	ctx := context.Background()
	_, err := cardstore.Drafts{Store: w.Cards()}.Save(ctx, id, d, 0)
	require.NoError(w.T, err)
	facts, err := cardstore.Submissions{Store: w.Cards(), Regular: w.Making(Regular{})}.Facts(ctx, id, d)
	require.NoError(w.T, err)
	require.Empty(w.T, card.CheckSubmission(d, facts))
	content := card.ContentHash(d, facts)
	return &Applicant{
		ID: id, Tail: IDNumber(n)[14:], Client: env.Person(id, name).Still(),
		form: url.Values{
			"content":         {hex.EncodeToString(content[:])},
			"idempotency_key": {uuid.Must(uuid.NewV4()).String()},
		},
	}
}

// draft is complete: everything that the rules ask for, at this world's branch.
func (w *World) draft(at time.Time) card.Draft {
	return card.Draft{
		Edition: card.General, Identity: card.Student, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: at, UniversityCode: University, DivisionCode: "420106",
		Address: "八一路299号", BranchID: w.Branch,
	}
}

// Somebody is an Applicant whom no test needs to tell from others.
func (w *World) Somebody(env *webtest.Env) *Applicant {
	w.T.Helper()
	return w.Applicant(env, w.nextPerson(), "王𠮷")
}

// nextPerson numbers people from where tests that number their own do not go.
func (w *World) nextPerson() int { return 100_000 + int(w.shared.people.Add(1)) }

// SubmitPath is where the preview's form goes.
const SubmitPath = "/apply/submit"

// Form is what the preview's form sends.
func (a *Applicant) Form() url.Values { return a.form }

// Submit sends the form and returns the application that it became.
func (a *Applicant) Submit(w *World) uuid.UUID {
	w.T.Helper()
	page := a.Client.Post(SubmitPath, a.form)
	page.Want(http.StatusSeeOther)
	id, err := uuid.FromString(strings.TrimPrefix(page.Location(), "/cards/"))
	require.NoError(w.T, err, page.Location())
	return id
}

// IDNumber makes a valid ID number of the unassigned area 420199.
func IDNumber(n int) string {
	return storetest.IDNumber(n)
}

// Send sends the form once, as a plain request, and returns whatever comes back: the process may
// die meanwhile.
func (a *Applicant) Send(p *Proc) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, p.URL+SubmitPath, strings.NewReader(a.form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range a.Client.Cookies() {
		req.AddCookie(c)
	}
	once := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return once.Do(req)
}

// SubmitAt sends the form to an api and returns the application that it became.
func (a *Applicant) SubmitAt(w *World, p *Proc) uuid.UUID {
	w.T.Helper()
	res, err := a.Send(p)
	require.NoError(w.T, err)
	defer res.Body.Close()
	require.Equal(w.T, http.StatusSeeOther, res.StatusCode)
	id, err := uuid.FromString(strings.TrimPrefix(res.Header.Get("Location"), "/cards/"))
	require.NoError(w.T, err)
	return id
}

// Admin adds a province administrator.
func (w *World) Admin(name string) uuid.UUID {
	w.T.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := w.DB.Exec(context.Background(), `
		INSERT INTO staff (id, login, name, role, password_hash, totp_secret, created_at)
		VALUES ($1, $2, $3, 'province_admin', 'none', '', $4)`, id, "admin"+id.String()[24:], name, w.Rows.Now)
	require.NoError(w.T, err)
	return id
}
