package applicant

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

// cards are the pages of a person's cases: the card, what happens next, and what the person may
// decide (duties R46, R47, R50, R66, R70; beyond: B3, B25).
type cards struct{ Deps }

const cardsPath = "/cards"

func cardPath(id uuid.UUID) string { return cardsPath + "/" + id.String() }

func (c cards) routes(r chi.Router, pictures *painter) {
	h := c.Kit.Handle
	files, moves := cardFiles{c, pictures}, cardMoves{c}
	r.Get(cardsPath, h(c.list))
	r.Get("/cards/{id}", h(c.show))
	r.Get("/cards/{id}/card.jpg", h(files.picture))
	r.Get("/cards/{id}/card.pdf", h(files.pdf))
	r.Get("/cards/{id}/card.svg", h(files.cardCode))
	r.Get("/cards/{id}/pickup.svg", h(files.pickupCode))
	r.Get("/cards/{id}/withdraw", h(moves.withdrawForm))
	r.Post("/cards/{id}/withdraw", h(moves.withdraw))
	r.Get("/cards/{id}/branch", h(moves.branchForm))
	r.Post("/cards/{id}/branch", h(moves.branch))
	r.Post("/cards/{id}/branch/near", h(moves.branchNear))
}

// open reads the case in the path. An id that is none, or somebody else's, is not found.
func (c cards) open(r *http.Request) (cardstore.Case, []cardstore.Step, error) {
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return cardstore.Case{}, nil, fault.Wrap(fault.NotFound, err, "没有找到这份申请。")
	}
	return c.Cases.Get(r.Context(), web.User(r).ID, id)
}

type listPage struct {
	web.Frame
	Cases []listedCase
	// MayApply: nothing is live and no card is valid.
	MayApply bool
}

type listedCase struct {
	cardstore.Case
	Path     string
	Outlook  card.Outlook
	Showable bool // its digital card is valid
}

func (c cards) list(w http.ResponseWriter, r *http.Request) error {
	cases, err := c.Cases.OfPerson(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	p := &listPage{Frame: web.Frame{Title: "我的证件", Back: "/"}, MayApply: true}
	for _, cs := range cases {
		p.Cases = append(p.Cases, listedCase{Case: cs, Path: cardPath(cs.ID), Outlook: c.outlook(cs), Showable: showable(cs)})
		if cs.State.Live() || (showable(cs) && c.Kit.Now().Before(cs.CardExpiresAt)) {
			p.MayApply = false
		}
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/list", p)
}

func (c cards) outlook(cs cardstore.Case) card.Outlook {
	s := card.Situation{State: cs.State, Now: c.Kit.Now(), SubmittedAt: cs.SubmittedAt, Branch: cs.BranchName, Terms: c.Terms}
	if cs.PickupUntil != nil {
		s.PickupUntil = *cs.PickupUntil
	}
	if cs.ClosedAt != nil {
		s.ClosedAt = *cs.ClosedAt
	}
	return card.LookAhead(s)
}

type casePage struct {
	web.Frame
	Case    cardstore.Case
	URL     string
	Outlook card.Outlook
	Steps   []cardstore.Step
	Reason  string // why it was refused
	// Version names what is shown: a page that has it already is answered with nothing.
	Version   string
	Seconds   int // until the page looks again; zero: never
	HasCard   bool
	Waiting   bool // a plastic card waits with a pickup code
	Hours     string
	Status    string
	OpenNow   bool
	Where     string
	UpdatedAt time.Time
}

// show is the page of a case, or for htmx the part of it that changes.
func (c cards) show(w http.ResponseWriter, r *http.Request) error {
	cs, steps, err := c.open(r)
	if err != nil {
		return err
	}
	p := &casePage{
		Frame: web.Frame{Title: "我的证件", Back: cardsPath}, Case: cs, URL: cardPath(cs.ID), Outlook: c.outlook(cs),
		Steps: steps, HasCard: showable(cs), Waiting: cs.State == card.Ready, UpdatedAt: c.Kit.Now(),
	}
	p.Seconds = int(p.Outlook.Recheck.Seconds())
	p.Version = strings.Join([]string{string(cs.State), string(p.Outlook.Tone), string(cs.CardStatus), strconv.Itoa(len(steps)), strconv.Itoa(p.Seconds)}, "-")
	if web.IsHTMX(r) && r.URL.Query().Get("v") == p.Version {
		w.WriteHeader(http.StatusNoContent) // htmx leaves the page as it is
		return nil
	}
	for _, s := range steps {
		if s.Action == card.Refuse {
			p.Reason = s.Reason
		}
	}
	if p.Waiting {
		p.Where, p.Hours = placed(cs.BranchDivision, cs.BranchAddress), cs.BranchHours.Text()
		p.Status, p.OpenNow = cs.BranchHours.Status(p.UpdatedAt), cs.BranchHours.OpenAt(p.UpdatedAt)
	}
	if web.IsHTMX(r) {
		return c.Kit.RenderPart(w, r, http.StatusOK, "applicant/card/show", "live", p)
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/show", p)
}

// Code is the pickup code as people read it out: two groups of four.
func (p *casePage) Code() string {
	code := p.Case.PickupCode
	if len(code) != 8 {
		return code
	}
	return code[:4] + " " + code[4:]
}

// cardMoves are the decisions that an applicant takes about a case.
type cardMoves struct{ cards }

type withdrawPage struct {
	web.Frame
	Form *web.Form
	Case cardstore.Case
	URL  string
	Card bool // an issued card would be cancelled
}

func (c cardMoves) withdrawForm(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.open(r)
	if err != nil {
		return err
	}
	if !c.outlook(cs).Withdraw {
		return c.pastIt(w, r, cs)
	}
	return c.renderWithdraw(w, r, cs, web.NewForm(nil), http.StatusOK)
}

func (c cardMoves) renderWithdraw(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, status int) error {
	return c.Kit.Render(w, r, status, "applicant/card/withdraw", &withdrawPage{
		Frame: web.Frame{Title: "撤回申请", Back: cardPath(cs.ID)}, Form: form, Case: cs, URL: cardPath(cs.ID), Card: showable(cs),
	})
}

// pastIt leads back to a case that is past the decision that was asked for.
func (c cardMoves) pastIt(w http.ResponseWriter, r *http.Request, cs cardstore.Case) error {
	c.Kit.FlashWarn(r, "这份申请现在是“"+cs.State.Text()+"”，不能再进行这项操作。")
	web.Redirect(w, r, cardPath(cs.ID))
	return nil
}

func (c cardMoves) withdraw(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.open(r)
	if err != nil {
		return err
	}
	err = c.Processes.Withdraw(r.Context(), workflows.WithdrawInput{ApplicationID: cs.ID, PersonID: web.User(r).ID})
	if err = c.decided(r, err, cs.ID, func(now cardstore.Case) bool { return now.State == card.Withdrawn }); err != nil {
		form := web.NewForm(nil)
		if absorbed := form.Absorb("", err); absorbed != nil {
			return absorbed
		}
		return c.renderWithdraw(w, r, cs, form, web.StatusOf(err))
	}
	c.Kit.FlashOK(r, "申请已撤回。")
	web.Redirect(w, r, cardPath(cs.ID))
	return nil
}

// decided looks at the row where there is no process to decide: the decision may have been taken
// before (a double click), the case may be over, or its process may not have started yet.
func (c cardMoves) decided(r *http.Request, err error, id uuid.UUID, done func(cardstore.Case) bool) error {
	if !errors.Is(err, workflows.ErrEnded) {
		return err
	}
	now, _, readErr := c.Cases.Get(r.Context(), web.User(r).ID, id)
	switch {
	case readErr != nil:
		return readErr
	case done(now):
		return nil
	case now.State.Live():
		// Its process was never started, or is lost: the sweeper and the nightly check start it.
		c.Starter.Start(id)
		return fault.Wrap(fault.Conflict, err, "这份申请正在受理中，请过几秒钟再试。")
	}
	return fault.Wrap(fault.Conflict, err, "这份申请现在是“"+now.State.Text()+"”，不能再进行这项操作。")
}

type caseBranchPage struct {
	web.Frame
	Form   *web.Form
	Case   cardstore.Case
	URL    string
	Picker *picker
}

func (c cardMoves) branchForm(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.open(r)
	if err != nil {
		return err
	}
	if !c.outlook(cs).ChooseBranch {
		return c.pastIt(w, r, cs)
	}
	return c.renderBranch(w, r, cs, web.NewForm(nil), http.StatusOK)
}

// here is the branch that cannot be chosen because the card waits there already.
func here(cs cardstore.Case) uuid.UUID {
	if cs.State == card.Ready {
		return cs.BranchID
	}
	return uuid.Nil
}

func (c cardMoves) renderBranch(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, status int) error {
	picker, err := c.pick(r, cardPath(cs.ID)+"/branch", cs.DivisionCode, uuid.Nil, here(cs))
	if err != nil {
		return err
	}
	picker.Error = form.Error(card.FieldBranch)
	return c.renderPicker(w, r, cs, form, picker, status)
}

func (c cardMoves) renderPicker(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, picker *picker, status int) error {
	p := &caseBranchPage{
		Frame: web.Frame{Title: "重新选择网点", Back: cardPath(cs.ID)}, Form: form, Case: cs, URL: cardPath(cs.ID), Picker: picker,
	}
	if web.IsHTMX(r) {
		return c.Kit.RenderPart(w, r, status, "applicant/card/branch", "picked", p)
	}
	return c.Kit.Render(w, r, status, "applicant/card/branch", p)
}

func (c cardMoves) branchNear(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.open(r)
	if err != nil {
		return err
	}
	picker, err := c.nearest(r, cardPath(cs.ID)+"/branch", uuid.Nil, here(cs))
	if err != nil {
		return err
	}
	return c.renderPicker(w, r, cs, web.NewForm(nil), picker, http.StatusOK)
}

func (c cardMoves) branch(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.open(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	branch, err := uuid.FromString(form.Get(card.FieldBranch))
	if err != nil {
		form.Fail(card.FieldBranch, "请选择领卡网点。")
		return c.renderBranch(w, r, cs, form, form.Status())
	}
	switch _, err := c.Places.Branch(r.Context(), branch); {
	case fault.Is(err, fault.NotFound):
		form.Fail(card.FieldBranch, "没有这个领卡网点，请从列表中选择。")
		return c.renderBranch(w, r, cs, form, form.Status())
	case err != nil:
		return err
	}
	err = c.Processes.ChooseBranch(r.Context(), workflows.ChooseBranchInput{
		ApplicationID: cs.ID, PersonID: web.User(r).ID, BranchID: branch,
	})
	done := func(now cardstore.Case) bool { return now.State == card.Ready && now.BranchID == branch }
	if err = c.decided(r, err, cs.ID, done); err != nil {
		if absorbed := form.Absorb(card.FieldBranch, err); absorbed != nil {
			return absorbed
		}
		return c.renderBranch(w, r, cs, form, web.StatusOf(err))
	}
	c.Kit.FlashOK(r, "领卡网点已更换，新网点已为您预留卡片。")
	web.Redirect(w, r, cardPath(cs.ID))
	return nil
}
