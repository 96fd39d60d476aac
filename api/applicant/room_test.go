package applicant_test

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/applicant"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/passwd"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
	"volcard/templates/faces"
	"volcard/workflows"
)

// room is the wizard and the pages of the card on a database of their own, with the process
// played by the store that the real one works with.
type room struct {
	*webtest.Env
	hasher  *passwd.Hasher
	rows    storetest.Rows
	process *process
	cases   cardstore.Cases
	drafts  cardstore.Drafts
	branch  uuid.UUID // with five cards
	designs *designs
	photos  photostore.Photos
}

// designs lays cards out on the real faces, without those that a test withdraws.
type designs struct {
	faces     render.Faces
	withdrawn sync.Map
}

func (d *designs) Offered(face string) bool {
	_, gone := d.withdrawn.Load(face)
	return !gone && slices.Contains(d.faces.Names(string(card.Regular)), face)
}

func (d *designs) Preview(in cardstore.Design) (*render.DisplayList, error) {
	face, err := d.faces.Face(in.Face)
	if err != nil {
		return nil, err
	}
	name := in.HolderName
	if len(render.Missing(name)) > 0 {
		name = "" // as the program does: a person decides about it
	}
	return render.Layout(face, render.CardData{
		Edition: card.Regular.Text(), HolderName: name, VolunteerNo: in.VolunteerNo, Photo: in.Photo,
	})
}

func (d *designs) Hash(in cardstore.Design) ([32]byte, error) {
	list, err := d.Preview(in)
	if err != nil {
		return [32]byte{}, err
	}
	return list.Hash(), nil
}

const testKey = "TESTKEY1"

func open(t testing.TB, change ...func(*web.Options)) *room {
	t.Helper()
	env := webtest.New(t, change...)
	base := cardstore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock}
	hasher, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	people := personstore.Store{
		DB: env.DB, Vault: env.Vault, Clock: env.Clock, Hasher: hasher,
		Limiter: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	}
	r := &room{
		Env: env, hasher: hasher, cases: cardstore.Cases{Store: base}, drafts: cardstore.Drafts{Store: base},
		rows: storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()},
		process: &process{cardstore.Process{
			Store: base, Terms: card.DefaultTerms(), Missing: render.Missing,
			Sign: func(in cardstore.Intent) (string, string, error) {
				return strings.Repeat("A", 140) + strings.NewReplacer("0", "A", "1", "B", "8", "C", "9", "D").Replace(in.Number), testKey, nil
			},
		}, sync.WaitGroup{}, atomic.Bool{}, 0, atomic.Int64{}, nil},
	}
	loaded, err := render.LoadFaces(faces.FS)
	require.NoError(t, err)
	built := calendar.New(calendar.BuiltIn()...)
	inForce := func(context.Context) (*calendar.Calendar, error) { return built, nil }
	r.designs = &designs{faces: loaded}
	r.photos = photostore.Photos{DB: env.DB, Vault: env.Vault, Clock: env.Clock}
	r.process.Process.Regular = cardstore.Regular{Designs: r.designs, Calendar: inForce, Terms: card.DefaultRegularTerms()}
	baseURL, err := url.Parse("https://card.example")
	require.NoError(t, err)
	watch := casewatch.New(env.DB, cardstore.CaseChannel, func(ctx context.Context, id uuid.UUID) (bool, error) {
		state, err := r.cases.State(ctx, id)
		return state != card.Accepted, err
	}, slog.New(slog.DiscardHandler))
	applicant.Account{
		Kit: env.Kit, People: personstore.People{Store: people}, Codes: codestore.Codes{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		Cases: r.cases, Processes: r.process,
	}.Routes(env.Router)
	applicant.Routes(env.Router, applicant.Deps{
		Kit: env.Kit, BaseURL: baseURL, Terms: card.DefaultTerms(), Faces: loaded,
		People: personstore.People{Store: people}, Consents: personstore.Consents{Store: people},
		Codes:  codestore.Codes{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		Places: placestore.New(env.DB), Drafts: r.drafts, Submissions: cardstore.Submissions{Store: base, Regular: r.process.Process.Regular}, Cases: r.cases,
		Starter: r.process, Processes: r.process, Watch: watch,
		Designs: r.designs, Photos: r.photos, Vault: env.Vault, Calendar: inForce,
		Limits: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock}, RegularTerms: card.DefaultRegularTerms(),
	})
	r.rows.SigningKey(testKey)
	r.branch = r.rows.Branch("甲网点")
	r.rows.Stock(r.branch, 5)
	r.rows.University("HB001", "武汉大学")
	env.Start()
	t.Cleanup(r.process.running.Wait)
	return r
}

// person is somebody who is logged in.
type person struct {
	*webtest.Client
	id   uuid.UUID
	room *room
}

func (r *room) person(name, id string) person {
	r.T.Helper()
	someone := r.rows.Person(name, id)
	return person{r.Env.Person(someone, name), someone, r}
}

// Process of a case, played by its store: as the real one, but at once or not at all.
type process struct {
	cardstore.Process
	running sync.WaitGroup
	away    atomic.Bool // the engine does not answer
	before  int
	started atomic.Int64
	// instead is what a decision that was carried out is answered with: its answer was lost, or it was carried
	// out before, by a process that winds up now.
	instead error
}

func (p *process) Accepting() (done func()) { return func() {} }

func (p *process) Start(id uuid.UUID) int {
	p.started.Add(1)
	if !p.away.Load() {
		p.running.Go(func() { _, _ = p.Issue(context.Background(), id) })
	}
	return p.before
}

func (p *process) Withdraw(ctx context.Context, in workflows.WithdrawInput) error {
	if err := p.answers(ctx, in.ApplicationID); err != nil {
		return err
	}
	_, err := p.Process.Withdraw(ctx, in.ApplicationID, in.PersonID)
	return cmp.Or(err, p.instead)
}

func (p *process) ChooseBranch(ctx context.Context, in workflows.ChooseBranchInput) error {
	if err := p.answers(ctx, in.ApplicationID); err != nil {
		return err
	}
	_, err := p.Process.ChooseBranch(ctx, in.ApplicationID, in.PersonID, in.BranchID)
	return cmp.Or(err, p.instead)
}

func (p *process) ChangeDesign(ctx context.Context, in workflows.NewDesign) error {
	if err := p.answers(ctx, in.ApplicationID); err != nil {
		return err
	}
	_, err := cardstore.RegularProcess{Process: p.Process}.ChangeDesign(ctx, in)
	return err
}

func (p *process) ChangePhone(ctx context.Context, in workflows.ChangePhoneInput) error {
	if err := p.answers(ctx, in.ApplicationID); err != nil {
		return err
	}
	_, err := p.Process.ChangePhone(ctx, in.ApplicationID, in.PersonID, in.SealedPhone)
	return err
}

// answers: a process that has ended, or was never started, decides nothing.
func (p *process) answers(ctx context.Context, id uuid.UUID) error {
	if p.away.Load() {
		return fault.New(fault.Unavailable, "办理系统暂时繁忙，请稍后再试。")
	}
	snap, err := p.Look(ctx, id)
	if err != nil {
		return err
	}
	if snap.State == card.Accepted || !snap.State.Live() && snap.State != card.Collected {
		return &fault.Error{Kind: fault.Conflict, Msg: "这份申请的办理已经结束。", Err: workflows.ErrEnded}
	}
	return nil
}

// draft saves a draft that may be submitted, and changes it before.
func (p person) draft(change ...func(*card.Draft)) card.Draft {
	t := p.room.T
	t.Helper()
	d := card.Draft{
		Edition: card.General, Identity: card.Student, NoticeVersion: card.NoticeVersion,
		Phone: "13800000000", PhoneVerifiedAt: p.room.Clock.Now(), UniversityCode: "HB001",
		DivisionCode: "420106", Address: "八一路299号", BranchID: p.room.branch,
	}
	for _, fn := range change {
		fn(&d)
	}
	_, version, err := p.room.drafts.Load(t.Context(), p.id)
	require.NoError(t, err)
	_, err = p.room.drafts.Save(t.Context(), p.id, d, version)
	require.NoError(t, err)
	return d
}

// submitted is the page of the case after a whole submission.
func (p person) submitted() *webtest.Page {
	p.room.T.Helper()
	p.draft()
	return p.Get("/apply/preview").Want(200).Submit(submitForm, nil).Want(200)
}

// caseID is the id of the person's newest case.
func (p person) caseID() uuid.UUID {
	p.room.T.Helper()
	list, err := p.room.cases.OfPerson(p.room.T.Context(), p.id)
	require.NoError(p.room.T, err)
	require.NotEmpty(p.room.T, list)
	return list[0].ID
}

func (p person) state() card.State {
	p.room.T.Helper()
	state, err := p.room.cases.State(p.room.T.Context(), p.caseID())
	require.NoError(p.room.T, err)
	return state
}

func (r *room) count(sql string, args ...any) int {
	r.T.Helper()
	var n int
	require.NoError(r.T, r.DB.QueryRow(r.T.Context(), sql, args...).Scan(&n))
	return n
}

func (r *room) exec(sql string, args ...any) {
	r.T.Helper()
	_, err := r.DB.Exec(r.T.Context(), sql, args...)
	require.NoError(r.T, err)
}

const submitForm = "form[action='/apply/submit']"
