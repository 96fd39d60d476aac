package applicant

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

// cards are the pages of a person's cases: the card, what happens next, and what the person may
// decide (duties R46, R47, R50, R66, R70; beyond: B3, B25).
type cards struct {
	Deps
	desk cases.Desk
}

func (c cards) routes(r chi.Router, studio regular.Studio) {
	h := c.Kit.Handle
	files, moves := cardFiles{c, studio}, cardMoves{c}
	r.Get(cases.Root, h(c.list))
	r.Get("/cards/{id}", h(c.show))
	r.Get("/cards/{id}/present", h(files.present))
	r.Get("/cards/{id}/card.jpg", h(files.picture))
	r.Get("/cards/{id}/card.pdf", h(files.pdf))
	r.Get("/cards/{id}/card.svg", h(files.cardCode))
	r.Get("/cards/{id}/pickup.svg", h(files.pickupCode))
	r.Get("/cards/{id}/withdraw", h(moves.withdrawForm))
	r.Post("/cards/{id}/withdraw", h(moves.withdraw))
	r.Get("/cards/{id}/branch", h(moves.branchForm))
	r.Post("/cards/{id}/branch", h(moves.branch))
	r.Post("/cards/{id}/branch/near", h(moves.branchNear))
	r.Get("/cards/{id}/branch/near", web.Beside("."))
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
	Promise  string // the dates of a regular card that is not made yet
	Showable bool   // its digital card is valid
}

func (c cards) list(w http.ResponseWriter, r *http.Request) error {
	list, err := c.Cases.OfPerson(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	p := &listPage{Frame: web.Frame{Title: "我的证件", Back: "/"}, MayApply: true}
	for _, cs := range list {
		p.Cases = append(p.Cases, listedCase{Case: cs, Path: cases.Path(cs.ID), Outlook: c.desk.Outlook(cs), Promise: cases.Promise(cs, c.Kit.Now()), Showable: cases.Showable(cs)})
		if cs.State.Live() || (cases.Showable(cs) && c.Kit.Now().Before(cs.CardExpiresAt)) {
			p.MayApply = false
		}
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/list", p)
}

type casePage struct {
	web.Frame
	Case    cardstore.Case
	URL     string
	Outlook card.Outlook
	Steps   []cardstore.Step
	Reasons []string       // why it was refused, or what is to be mended
	Promise string         // the dates of a regular card that is not made yet
	Asks    []consent.Item // consents without which it does not go on
	// ConfirmOnly: nothing is to be mended, the preview is to be confirmed.
	ConfirmOnly bool
	Frozen      bool // a regular card that can be changed no more
	Preview     bool // a regular card that is not issued yet can be drawn
	// Version names what is shown: a page that has it already is answered with nothing.
	Version   string
	Seconds   int // until the page looks again; zero: never
	HasCard   bool
	Present   bool // the digital card can be shown as valid
	Waiting   bool // a plastic card waits with a pickup code
	Hours     string
	Status    string
	OpenNow   bool
	Where     string
	UpdatedAt time.Time
}

// show is the page of a case, or for htmx the part of it that changes.
func (c cards) show(w http.ResponseWriter, r *http.Request) error {
	cs, steps, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	p := &casePage{
		Frame: web.Frame{Title: "我的证件", Back: cases.Root}, Case: cs, URL: cases.Path(cs.ID), Outlook: c.desk.Outlook(cs, steps...),
		Steps: steps, HasCard: cases.Showable(cs), Present: presentable(cs, c.Kit.Now()), UpdatedAt: c.Kit.Now(),
	}
	p.Waiting = p.Outlook.Collect
	p.Asks = consent.MissingNow(cs.Edition, cs.State, cs.Consents)
	p.Seconds = int(p.Outlook.Recheck.Seconds())
	p.Version = strings.Join([]string{string(cs.State), string(p.Outlook.Tone), string(cs.CardStatus), strconv.Itoa(len(steps)), strconv.Itoa(p.Seconds), cs.BatchState, strconv.Itoa(len(p.Asks))}, "-")
	if web.IsHTMX(r) && r.URL.Query().Get("v") == p.Version {
		w.WriteHeader(http.StatusNoContent) // htmx leaves the page as it is
		return nil
	}
	p.Reasons, p.Promise, p.Frozen = reasons(cs, steps), cases.Promise(cs, p.UpdatedAt), cases.Frozen(cs)
	if asked, _ := cases.Asked(steps); cs.State == card.Mending {
		p.ConfirmOnly = cases.ConfirmOnly(asked)
	}
	p.Preview = cs.Edition == card.Regular && cs.State.Live() && !p.HasCard && c.titled(cs.Face)
	if p.Waiting {
		p.Where, p.Hours = placed(cs.BranchDivision, cs.BranchAddress), cs.BranchHours.Text()
		branch, err := c.opening(r.Context(), cs.BranchHours)
		if err != nil {
			return err
		}
		p.Status, p.OpenNow = branch.Status(p.UpdatedAt), branch.OpenAt(p.UpdatedAt)
	}
	if web.IsHTMX(r) {
		return c.Kit.RenderPart(w, r, http.StatusOK, "applicant/card/show", "live", p)
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/show", p)
}

// Changeable tells whether something of a regular case may be changed before its card is made.
func (p *casePage) Changeable() bool {
	return p.Case.Edition == card.Regular && p.Case.State != card.Lapsed && (p.Outlook.ChangeDesign || p.Outlook.ChooseBranch || p.Outlook.ChangePhone)
}

func (c cards) titled(face string) bool {
	_, err := c.Faces.Face(face)
	return err == nil
}

// reasons tell why a case was refused, or what its applicant has to mend.
func reasons(cs cardstore.Case, steps []cardstore.Step) []string {
	switch cs.State {
	case card.Mending:
		return regular.Wrong(steps)
	case card.Refused:
		for i := len(steps) - 1; i >= 0; i-- {
			if steps[i].Reason != "" && steps[i].To == card.Refused {
				return []string{steps[i].Reason}
			}
		}
	default:
	}
	return nil
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
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	if !c.desk.Outlook(cs).Withdraw {
		return c.desk.Past(w, r, cs)
	}
	return c.renderWithdraw(w, r, cs, web.NewForm(nil), http.StatusOK)
}

func (c cardMoves) renderWithdraw(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, status int) error {
	return c.Kit.Render(w, r, status, "applicant/card/withdraw", &withdrawPage{
		Frame: web.Frame{Title: "撤回申请", Back: cases.Path(cs.ID)}, Form: form, Case: cs, URL: cases.Path(cs.ID), Card: cases.Showable(cs),
	})
}

func (c cardMoves) withdraw(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	err = c.Processes.Withdraw(r.Context(), workflows.WithdrawInput{ApplicationID: cs.ID, PersonID: web.User(r).ID})
	if err = c.desk.Decided(r, err, cs.ID, func(now cardstore.Case) bool { return now.State == card.Withdrawn }); err != nil {
		form := web.NewForm(nil)
		if absorbed := form.Absorb("", err); absorbed != nil {
			return absorbed
		}
		return c.renderWithdraw(w, r, cs, form, web.StatusOf(err))
	}
	c.Kit.FlashOK(r, "申请已撤回。")
	web.Redirect(w, r, cases.Path(cs.ID))
	return nil
}

type caseBranchPage struct {
	web.Frame
	Form   *web.Form
	Case   cardstore.Case
	URL    string
	Picker *picker
	Again  bool   // a regular card that was not collected waits where it lies
	Dates  string // what becomes of the dates of a regular card
}

func (c cardMoves) branchForm(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	if !c.desk.Outlook(cs).ChooseBranch {
		return c.desk.Past(w, r, cs)
	}
	return c.renderBranch(w, r, cs, web.NewForm(nil), http.StatusOK)
}

// branchWishOf lists branches for a case. The one at which its card waits, or to which a regular one is
// sent already, cannot be chosen.
func branchWishOf(cs cardstore.Case) wish {
	ask := wish{Path: cases.Path(cs.ID) + "/branch", Division: cs.DivisionCode, Regular: cs.Edition == card.Regular}
	if cs.State == card.Ready || ask.Regular {
		ask.Here = cs.BranchID
	}
	return ask
}

func (c cardMoves) renderBranch(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, status int) error {
	picker, err := c.pick(r, branchWishOf(cs))
	if err != nil {
		return err
	}
	picker.Error = form.Error(card.FieldBranch)
	return c.renderPicker(w, r, cs, form, picker, status)
}

func (c cardMoves) renderPicker(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, picker *picker, status int) error {
	p := &caseBranchPage{
		Frame: web.Frame{Title: "重新选择网点", Back: cases.Path(cs.ID)}, Form: form, Case: cs, URL: cases.Path(cs.ID), Picker: picker,
		Again: cs.Edition == card.Regular && cs.State == card.Lapsed, Dates: cases.DatesAfter(cs, c.Kit.Now()),
	}
	if p.Again {
		p.Title = "重新预约领取"
	}
	if web.IsHTMX(r) {
		return c.Kit.RenderPart(w, r, status, "applicant/card/branch", "picked", p)
	}
	return c.Kit.Render(w, r, status, "applicant/card/branch", p)
}

func (c cardMoves) branchNear(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	picker, err := c.nearest(r, branchWishOf(cs))
	if err != nil {
		return err
	}
	return c.renderPicker(w, r, cs, web.NewForm(nil), picker, http.StatusOK)
}

func (c cardMoves) branch(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.desk.Open(r)
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
	done := func(now cardstore.Case) bool {
		return now.BranchID == branch && (now.State == card.Ready || now.Edition == card.Regular && now.State != card.Lapsed)
	}
	if err = c.desk.Decided(r, err, cs.ID, done); err != nil {
		if absorbed := form.Absorb(card.FieldBranch, err); absorbed != nil {
			return absorbed
		}
		return c.renderBranch(w, r, cs, form, web.StatusOf(err))
	}
	c.Kit.FlashOK(r, branchChanged(cs, c.Kit.Now()))
	web.Redirect(w, r, cases.Path(cs.ID))
	return nil
}

// branchChanged says what the choice of a branch did.
func branchChanged(before cardstore.Case, now time.Time) string {
	switch {
	case before.Edition != card.Regular:
		return "领卡网点已更换，新网点已为您预留卡片。"
	case before.State == card.Lapsed:
		return "已重新预约，请在期限内到网点领取。"
	}
	return "领卡网点已更换，制好的卡片会送到新网点。" + cases.DatesAfter(before, now)
}
