package applicant

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/place"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/placestore"
)

// A page that has just submitted waits this long for the card, and not at all where the crowd
// before it is so large that the wait would be in vain.
const (
	patience = 1200 * time.Millisecond
	crowd    = 32
)

// submitStep shows the card before it is applied for, and applies (R64, R65).
type submitStep struct{ wizard }

type previewPage struct {
	applyPage
	Content     string // hex of card.ContentHash of what is shown
	Name        string
	Missing     string // characters of the name that no font can draw
	Unit        string
	Place       string
	Phone       string // masked
	Branch      placestore.Branch
	BranchWhere string // empty: no branch is chosen
	BranchHours string
	PickupUntil time.Time // zero: no branch is chosen
	Consents    bool      // every consent is given
	Blocked     []blockedStep

	// Of the regular edition only.
	Promise string // the dates where it is applied for today
	Face    string // the face's title
	Photo   *regular.Portrait
	Drawn   bool // photo and face are there: the card can be drawn
}

// blockedStep is a step that must be mended before the application can be submitted.
type blockedStep struct {
	Path, Title string
	Reasons     []string
}

func (a submitStep) preview(w http.ResponseWriter, r *http.Request) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if v.stopped() {
		web.Redirect(w, r, applyStart)
		return nil
	}
	return a.showPreview(w, r, v, web.NewForm(nil), http.StatusOK)
}

func (a submitStep) showPreview(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form, status int) error {
	content := card.ContentHash(v.draft, v.facts)
	p := &previewPage{
		applyPage: a.page(v, "preview", form), Content: hex.EncodeToString(content[:]),
		Name: v.facts.HolderName, Missing: string(render.Missing(v.facts.HolderName)),
		Unit: v.draft.Unit(v.facts), Place: place.FullName(v.draft.DivisionCode),
		Blocked:  blockedSteps(v),
		Consents: len(v.facts.MissingConsents) == 0,
	}
	if phone, err := person.ParsePhone(v.draft.Phone); err == nil {
		p.Phone = phone.Masked()
	}
	p.Drawn = p.Missing == ""
	if v.draft.Edition == card.Regular {
		if err := a.design(r, v, p); err != nil {
			return err
		}
	}
	if v.facts.BranchKnown {
		b, err := a.Places.Branch(r.Context(), v.draft.BranchID)
		if err != nil {
			return err
		}
		opening, err := a.opening(r.Context(), b.Hours)
		if err != nil {
			return err
		}
		p.Branch, p.BranchWhere, p.BranchHours = b, where(b), b.Hours.Text()
		p.PickupUntil = a.Terms.PickupUntil(v.facts.Now, opening)
	}
	return a.Kit.Render(w, r, status, "applicant/apply/preview", p)
}

// blockedSteps groups reasons by the step at which they can be mended.
func blockedSteps(v *visit) []blockedStep {
	var out []blockedStep
	add := func(path, title string, of func(card.Reason) bool) {
		b := blockedStep{Path: path, Title: title}
		for _, reason := range v.reasons {
			if of(reason) {
				b.Reasons = append(b.Reasons, reason.Text)
			}
		}
		if len(b.Reasons) > 0 {
			out = append(out, b)
		}
	}
	add("", "申请人", func(r card.Reason) bool { return r.Field == card.FieldPerson })
	for _, s := range v.steps() {
		add(stepPath(s.Name), s.Title, func(r card.Reason) bool { return slices.Contains(s.fields, r.Field) })
	}
	return out
}

// picture is the card as it will be drawn, without what is given at issue: number, dates, QR.
func (a submitStep) picture(w http.ResponseWriter, r *http.Request) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if v.draft.Edition == card.Regular {
		return a.regularPicture(w, r, v)
	}
	data := render.CardData{Edition: card.General.Text(), HolderName: v.facts.HolderName}
	return a.studio.Pictures.Serve(w, r, render.PictureWidth, func() (*render.DisplayList, error) {
		face, err := a.Faces.Face(string(card.General))
		if err != nil {
			return nil, err
		}
		return render.Layout(face, data)
	})
}

// submit accepts the draft that the preview showed, starts its process and waits briefly, so that
// as a rule the next page already shows the card.
func (a submitStep) submit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	in := cardstore.Submission{PersonID: web.User(r).ID}
	if in.IdempotencyKey, err = form.ParseKey(); err != nil {
		return err
	}
	content, err := hex.DecodeString(form.Get("content"))
	if err != nil || len(content) != len(in.Content) {
		return fault.Wrap(fault.Invalid, errContent, "页面已过期，请返回预览页重新核对后提交。")
	}
	copy(in.Content[:], content)
	accepted, reasons, err := a.accept(r.Context(), in)
	switch {
	case fault.Is(err, fault.Conflict):
		return a.refuse(w, r, form, fault.Sentence(err), http.StatusConflict)
	case err != nil:
		return err
	case len(reasons) > 0:
		return a.refuse(w, r, form, "还不能提交，请先处理下面的问题；您填写的内容都还在。", http.StatusUnprocessableEntity, reasons...)
	}
	a.begin(r.Context(), accepted)
	web.Redirect(w, r, cases.Path(accepted.ID))
	return nil
}

func (a submitStep) accept(ctx context.Context, in cardstore.Submission) (cardstore.Accepted, []card.Reason, error) {
	defer a.Starter.Accepting()()
	return a.Submissions.Submit(ctx, in)
}

var errContent = fault.New(fault.Invalid, "")

// begin starts the process and waits until it has moved the case, for a moment.
func (a submitStep) begin(ctx context.Context, accepted cardstore.Accepted) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if accepted.Again { // started by whoever made it, or by the sweeper
		a.Watch.Wait(ctx, accepted.ID)
		return
	}
	watch := a.Watch.Expect(accepted.ID)
	defer watch.Close()
	if a.Starter.Start(accepted.ID) < crowd {
		watch.Wait(ctx)
	}
}

// refuse shows the preview of the newest draft with every reason, each with a link to its step.
// Where there is no draft any more the application was submitted already, or withdrawn.
func (a submitStep) refuse(w http.ResponseWriter, r *http.Request, form *web.Form, sentence string, status int, reasons ...card.Reason) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if v.version == 0 {
		if !v.stopped() {
			a.Kit.FlashWarn(r, "这份申请已经提交或撤回过，请重新填写。")
		}
		web.Redirect(w, r, applyStart)
		return nil
	}
	key, err := uuid.NewV4() // a new form
	if err != nil {
		return err
	}
	form.Values.Set("idempotency_key", key.String())
	form.Fail("", sentence)
	// What refused the submission counts, even where the row looks well again: the last card of a
	// branch is free until whoever got it has committed.
	for _, reason := range reasons {
		if !slices.Contains(v.reasons, reason) {
			v.reasons = append(v.reasons, reason)
		}
	}
	return a.showPreview(w, r, v, form, status)
}
