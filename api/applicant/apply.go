package applicant

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/person"
)

// wizard leads through an application (duties R54–R65). Each step saves the draft, also where it
// is not complete yet; the rules are asked again for every page, and submitting asks them last.
type wizard struct {
	Deps
	studio regular.Studio
}

// step is one page of the wizard.
type step struct {
	Name, Title string
	// fields are the reasons of card.CheckSubmission that belong to the page.
	fields []string
}

// allSteps in the order of the notice (附件3 §二), but with the preview before 立即申请.
var allSteps = []step{
	{"edition", "选择版式", []string{card.FieldEdition}},
	{"identity", "核对资料", []string{card.FieldIdentity}},
	{stepPhoto, "添加照片", []string{card.FieldPhoto}},
	{stepFace, "选择卡面", []string{card.FieldFace}},
	{"notice", "阅读须知", []string{card.FieldNotice, card.FieldConsent}},
	{"phone", "验证手机", []string{card.FieldPhone}},
	{"unit", "填写单位", []string{card.FieldUniversity, card.FieldUnit, card.FieldDivision, card.FieldAddress}},
	{"branch", "选择网点", []string{card.FieldBranch}},
	{"preview", "预览提交", nil},
}

// The steps that only the regular edition has.
const (
	stepPhoto = "photo"
	stepFace  = "face"
)

// steps of the draft's edition.
func (v *visit) steps() []step {
	if v.draft.Edition == card.Regular {
		return allSteps
	}
	return slices.DeleteFunc(slices.Clone(allSteps), func(s step) bool { return s.Name == stepPhoto || s.Name == stepFace })
}

// has tells whether a step belongs to the draft's edition.
func (v *visit) has(name string) bool { return v.index(name) >= 0 }

func (v *visit) index(name string) int {
	return slices.IndexFunc(v.steps(), func(s step) bool { return s.Name == name })
}

const applyStart = "/apply"

func stepPath(name string) string { return applyStart + "/" + name }

func (a wizard) routes(r chi.Router) {
	h := a.Kit.Handle
	unit, branch, submit, portrait := unitStep{a}, branchStep{a}, submitStep{a}, photoStep{a}
	for name, p := range map[string]stepPage{
		"edition": editionStep{a}, "identity": identityStep{a}, "notice": noticeStep{a}, "phone": phoneStep{a},
		"unit": unit, "branch": branch, stepPhoto: portrait, stepFace: faceStep{a},
	} {
		r.Get(stepPath(name), h(a.get(name, p)))
		r.Post(stepPath(name), h(a.post(name, p)))
	}
	r.Get(applyStart, h(a.start))
	r.With(regular.UploadBody()).Post("/apply/photo/upload", h(portrait.upload))
	r.Get("/apply/universities", h(unit.universities))
	r.Post("/apply/branch/near", h(branch.near))
	r.Get("/apply/preview", h(submit.preview))
	r.Get("/apply/preview.jpg", h(submit.picture))
	r.Post("/apply/submit", h(submit.submit))
	r.Get("/apply/submit", web.Beside("preview"))
	r.Get("/apply/photo/upload", web.Beside("."))
	r.Get("/apply/branch/near", web.Beside("."))
}

// visit is what one request knows of its person's application.
type visit struct {
	person  uuid.UUID
	draft   card.Draft
	version int
	facts   card.Facts
	reasons []card.Reason
}

func (a wizard) open(r *http.Request) (*visit, error) {
	v := &visit{person: web.User(r).ID}
	var err error
	if v.draft, v.version, err = a.Drafts.Load(r.Context(), v.person); err != nil {
		return nil, err
	}
	return v, a.check(r, v)
}

// check asks the rules about the draft as it is now.
func (a wizard) check(r *http.Request, v *visit) (err error) {
	if v.facts, err = a.Submissions.Facts(r.Context(), v.person, v.draft); err != nil {
		return err
	}
	v.reasons = card.CheckSubmission(v.draft, v.facts)
	return nil
}

// of lists the reasons that belong to some fields.
func (v *visit) of(fields ...string) []card.Reason {
	var out []card.Reason
	for _, reason := range v.reasons {
		if slices.Contains(fields, reason.Field) {
			out = append(out, reason)
		}
	}
	return out
}

// stopped tells whether something about the person, and no step, stands against applying.
func (v *visit) stopped() bool { return len(v.of(card.FieldPerson)) > 0 }

// next is the first step that is not complete; the preview where all are.
func (v *visit) next() string {
	steps := v.steps()
	for _, s := range steps {
		if len(v.of(s.fields...)) > 0 {
			return s.Name
		}
	}
	return steps[len(steps)-1].Name
}

// after is the step that follows once this one is complete.
func (v *visit) after(at int) string {
	steps := v.steps()
	for i, s := range steps {
		if i != at && len(v.of(s.fields...)) > 0 {
			return s.Name
		}
	}
	return steps[len(steps)-1].Name
}

// applyPage is what every page of the wizard has in common.
type applyPage struct {
	web.Frame
	Form    *web.Form
	Version int
	Draft   card.Draft
	Now     int // from 1
	Steps   []stepLink
	Next    string // title of the step behind this one; empty where the button leads elsewhere
}

type stepLink struct {
	Path, Title string
	Done, Here  bool
}

func (a wizard) page(v *visit, name string, form *web.Form) applyPage {
	at, steps := v.index(name), v.steps()
	p := applyPage{
		Frame: web.Frame{Title: steps[at].Title}, Form: form, Version: v.version, Draft: v.draft, Now: at + 1,
	}
	if at > 0 {
		p.Back = stepPath(steps[at-1].Name)
	}
	if at+1 < len(steps) && v.after(at) == steps[at+1].Name {
		p.Next = steps[at+1].Title
	}
	for i, s := range steps {
		done := len(v.of(s.fields...)) == 0 && s.fields != nil
		p.Steps = append(p.Steps, stepLink{Path: stepPath(s.Name), Title: s.Title, Done: done, Here: i == at})
	}
	return p
}

// Bar is the bar above the page.
func (p applyPage) Bar() web.Steps { return web.Steps{Now: p.Now, Total: len(p.Steps)} }

// stopPage tells why there is nothing to apply for.
type stopPage struct {
	web.Frame
	Reasons []card.Reason
	Live    string // path of the live application
	Card    bool   // a valid card exists
	Minor   bool   // the guardian's consent is missing
}

// start leads to where the person left off.
func (a wizard) start(w http.ResponseWriter, r *http.Request) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if !v.stopped() {
		web.Redirect(w, r, stepPath(v.next()))
		return nil
	}
	p := &stopPage{
		Frame: web.Frame{Title: "申办志愿者证", Back: "/"}, Reasons: v.of(card.FieldPerson), Card: v.facts.ValidCard,
		Minor: person.NeedsGuardian(v.facts.Age) && !v.facts.HasGuardian,
	}
	if v.facts.LiveApplication != "" {
		if p.Live, err = a.live(r, v.person); err != nil {
			return err
		}
	}
	return a.Kit.Render(w, r, http.StatusOK, "applicant/apply/stop", p)
}

// live is the path of the person's live application, or of the list.
func (a wizard) live(r *http.Request, person uuid.UUID) (string, error) {
	list, err := a.Cases.OfPerson(r.Context(), person)
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if c.State.Live() {
			return cases.Path(c.ID), nil
		}
	}
	return cases.Root, nil
}

// stepPage is one step of the wizard.
type stepPage interface {
	// fill puts the draft into an empty form.
	fill(v *visit, form *web.Form)
	// take puts the form into the draft and notes at the form what the rules do not know. It may
	// save something beside the draft.
	take(r *http.Request, v *visit, form *web.Form) error
	// show renders the page.
	show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error
}

func (a wizard) get(name string, p stepPage) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := a.open(r)
		if err != nil {
			return err
		}
		if v.stopped() || !v.has(name) {
			web.Redirect(w, r, applyStart)
			return nil
		}
		form := web.NewForm(nil)
		p.fill(v, form)
		return p.show(w, r, v, form)
	}
}

// post saves a step. What was typed is kept in the draft even where the step is not complete,
// so that closing the page loses nothing; the page then comes back with every reason.
func (a wizard) post(name string, p stepPage) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		form, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		v, err := a.open(r)
		if err != nil {
			return err
		}
		if v.stopped() || !v.has(name) {
			web.Redirect(w, r, applyStart)
			return nil
		}
		if form.Refresh() || searches(form) { // only another list was asked for
			return p.show(w, r, v, form)
		}
		if form.Get("version") != strconv.Itoa(v.version) {
			return a.overtaken(w, r, name, p)
		}
		before := v.draft
		taken := p.take(r, v, form)
		if taken != nil && !errors.Is(taken, errStay) {
			return taken
		}
		if v.draft != before || v.version == 0 {
			if v.version, err = a.Drafts.Save(r.Context(), v.person, v.draft, v.version); err != nil {
				if fault.Is(err, fault.Conflict) {
					return a.overtaken(w, r, name, p)
				}
				return err
			}
		}
		if taken != nil {
			web.Redirect(w, r, stepPath(name))
			return nil
		}
		if err := a.check(r, v); err != nil {
			return err
		}
		for _, reason := range v.of(v.steps()[v.index(name)].fields...) {
			form.Fail(reason.Field, reason.Text)
		}
		if !form.OK() {
			return p.show(w, r, v, form)
		}
		web.Redirect(w, r, stepPath(v.next()))
		return nil
	}
}

// overtaken shows the newest draft where another tab has saved in between.
func (a wizard) overtaken(w http.ResponseWriter, r *http.Request, name string, p stepPage) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if v.version == 0 || v.stopped() { // submitted, or withdrawn, in between
		a.Kit.FlashWarn(r, "这份申请已经在另一个页面提交或撤回。")
		web.Redirect(w, r, applyStart)
		return nil
	}
	if !v.has(name) { // the other tab chose the other edition
		a.Kit.FlashWarn(r, "您在另一个页面修改了这份申请，已为您显示最新的内容，请核对后继续。")
		web.Redirect(w, r, applyStart)
		return nil
	}
	form := web.NewForm(nil)
	p.fill(v, form)
	form.Fail("", "您在另一个页面修改了这份申请，已为您显示最新的内容，请核对后继续。")
	return p.show(w, r, v, form)
}

// status of a step's page: 409 for a second tab's, 422 for a form with faults.
func status(form *web.Form) int {
	if len(form.Errors) == 1 && form.Error("") != "" {
		return http.StatusConflict
	}
	return form.Status()
}

// clip bounds what is kept of a text; the page shows what was typed, the rules say how long it
// may be.
func clip(s string) string {
	const most = 200
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return strings.TrimSpace(s)
}
