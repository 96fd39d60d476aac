package applicant

import (
	"net/http"
	"strconv"

	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
)

// photoStep takes the photo of a regular card (R57). An upload is a form of its own, since it has a limit
// of its own; what is posted to the step itself is that the photo shall be used.
type photoStep struct{ wizard }

type photoStepPage struct {
	applyPage
	Portrait *regular.Portrait // nil: none yet
	Upload   *regular.Upload   // nil: not asked for
}

func (photoStep) fill(*visit, *web.Form) {}

func (photoStep) take(*http.Request, *visit, *web.Form) error { return nil }

func (a photoStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	p := &photoStepPage{applyPage: a.page(v, stepPhoto, form)}
	if err := a.portrait(r, v, p); err != nil {
		return err
	}
	if p.Portrait == nil || r.URL.Query().Has("new") || !form.OK() {
		p.Upload = &regular.Upload{Error: form.Error(card.FieldPhoto)}
	}
	return a.render(w, r, v, p, status(form))
}

// portrait adds the draft's photo. One that was refused, or forgotten after a while, is none.
func (a photoStep) portrait(r *http.Request, v *visit, p *photoStepPage) error {
	if v.draft.PhotoID.IsNil() || !v.facts.PhotoKnown {
		return nil
	}
	var err error
	p.Portrait, err = a.studio.Portrait(r.Context(), v.person, v.draft.PhotoID)
	return err
}

func (a photoStep) render(w http.ResponseWriter, r *http.Request, v *visit, p *photoStepPage, status int) error {
	if p.Upload != nil {
		p.Upload.Action, p.Upload.Submit = "/apply/photo/upload", "上传照片"
		p.Upload.Hidden = []regular.Hidden{{Name: "version", Value: strconv.Itoa(p.Version)}}
		asking, err := a.studio.Asking(r.Context(), v.person, *p.Upload, p.Form)
		if err != nil {
			return err
		}
		p.Upload = &asking
	}
	return a.Kit.Render(w, r, status, "applicant/apply/photo", p)
}

// upload keeps a photo in the draft. Of two tabs, or two uploads at once, the draft's version decides:
// the later one is shown what the earlier one saved.
func (a photoStep) upload(w http.ResponseWriter, r *http.Request) error {
	in, err := a.studio.Receive(r, web.User(r))
	if err != nil {
		return err
	}
	defer in.Close()
	v, err := a.open(r)
	if err != nil {
		return err
	}
	if v.stopped() || !v.has(stepPhoto) {
		web.Redirect(w, r, applyStart)
		return nil
	}
	if in.Form.Get("version") != strconv.Itoa(v.version) {
		return a.overtaken(w, r, stepPhoto, a)
	}
	id, reasons, status, err := a.studio.Accept(r.Context(), v.person, in)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		p := &photoStepPage{applyPage: a.page(v, stepPhoto, in.Form)}
		if err := a.portrait(r, v, p); err != nil {
			return err
		}
		refused := in.Refused(reasons, p.Portrait != nil)
		p.Upload = &refused
		return a.render(w, r, v, p, status)
	}
	v.draft.PhotoID = id
	if _, err := a.Drafts.Save(r.Context(), v.person, v.draft, v.version); err != nil {
		if fault.Is(err, fault.Conflict) {
			return a.overtaken(w, r, stepPhoto, a)
		}
		return err
	}
	web.Redirect(w, r, stepPath(stepPhoto))
	return nil
}

// faceStep chooses the face, on each of which the person's own card is shown (R58).
type faceStep struct{ wizard }

type faceStepPage struct {
	applyPage
	Gallery regular.Gallery
	Plain   bool // there is no photo yet
}

func (faceStep) fill(v *visit, form *web.Form) { form.Values.Set(card.FieldFace, v.draft.Face) }

// take keeps what was chosen; the rules say whether it is offered.
func (a faceStep) take(_ *http.Request, v *visit, form *web.Form) error {
	if face := form.Get(card.FieldFace); a.studio.Title(face) != "" {
		v.draft.Face = face
	} else if face != "" {
		form.Fail(card.FieldFace, "没有这种卡面，请从下面选择。")
	}
	return nil
}

func (a faceStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	sentence := form.Error(card.FieldFace)
	if sentence == "" && v.draft.Face != "" {
		for _, reason := range v.of(card.FieldFace) { // withdrawn since it was chosen: said at once
			sentence = reason.Text
		}
	}
	p := &faceStepPage{
		applyPage: a.page(v, stepFace, form), Plain: !v.facts.PhotoKnown,
		Gallery: a.studio.Gallery("/apply/preview.jpg", map[string][]string{"v": {strconv.Itoa(v.version)}}, form.Get(card.FieldFace), sentence),
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/face", p)
}

// design adds to the preview what only the regular edition shows.
func (a submitStep) design(r *http.Request, v *visit, p *previewPage) error {
	var err error
	if p.Promise, err = a.promises().Today(r.Context(), a.Kit); err != nil {
		return err
	}
	p.Face = a.studio.Title(v.draft.Face)
	p.Drawn = p.Face != ""
	if v.facts.PhotoKnown {
		p.Photo, err = a.studio.Portrait(r.Context(), v.person, v.draft.PhotoID)
	}
	return err
}

// regularPicture is the person's card on the draft's face, or on the one that the gallery asks for.
func (a submitStep) regularPicture(w http.ResponseWriter, r *http.Request, v *visit) error {
	face := r.URL.Query().Get(card.FieldFace)
	if face == "" {
		face = v.draft.Face
	}
	if a.studio.Title(face) == "" {
		return fault.New(fault.NotFound, "还没有选择卡面。")
	}
	portrait := v.draft.PhotoID
	if !v.facts.PhotoKnown {
		portrait = uuid.Nil
	}
	profile, err := a.People.ByID(r.Context(), v.person)
	if err != nil {
		return err
	}
	return a.studio.Picture(w, r, regular.Card{
		Face: face, HolderName: v.facts.HolderName, VolunteerNo: profile.VolunteerNo, Photo: portrait,
	})
}
