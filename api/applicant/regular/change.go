package regular

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/vault"
	"volcard/workflows"
)

// Processes are the changes that an applicant makes to a running case; *workflows.Client.
type Processes interface {
	ChangeDesign(ctx context.Context, in workflows.NewDesign) error
	ChangePhone(ctx context.Context, in workflows.ChangePhoneInput) error
}

// Promises counts dates from today.
type Promises struct {
	Calendar func(context.Context) (*calendar.Calendar, error)
	Terms    card.RegularTerms
}

// Today is the promise of a card that is confirmed on this day, in words.
func (p Promises) Today(ctx context.Context, kit *web.Kit) (string, error) {
	cal, err := p.Calendar(ctx)
	if err != nil {
		return "", err
	}
	return cal.Promise(calendar.DateOf(kit.Now()), p.Terms.Promise).Text(), nil
}

// Changes are the pages on which a case gets another photo, face or phone, until its card is made.
type Changes struct {
	Studio
	Desk      cases.Desk
	People    personstore.People
	Codes     codestore.Codes
	Vault     *vault.Vault
	Promises  Promises
	Processes Processes
}

// Routes mounts the pages. Whoever comes here is logged in as a person.
func (c Changes) Routes(r chi.Router) {
	h := c.Kit.Handle
	phone := phoneChange{c}
	r.Get("/photos/{photo}", h(c.photo))
	r.Get("/cards/{id}/design", h(c.show))
	r.Post("/cards/{id}/design", h(c.confirm))
	r.Get("/cards/{id}/design.jpg", h(c.picture))
	r.Get("/cards/{id}/design/photo", h(c.photoForm))
	r.With(UploadBody()).Post("/cards/{id}/design/photo", h(c.upload))
	r.Get("/cards/{id}/design/face", h(c.gallery))
	r.Get("/cards/{id}/phone", h(phone.form))
	r.Post("/cards/{id}/phone", h(phone.send))
	r.Get("/cards/{id}/phone/code", h(phone.codeForm))
	r.Post("/cards/{id}/phone/code", h(phone.code))
	r.Post("/cards/{id}/phone/resend", h(phone.resend))
	r.Get("/cards/{id}/phone/resend", web.Beside("code"))
}

func (c Changes) photo(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.FromString(chi.URLParam(r, "photo"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "没有这张照片。")
	}
	return c.Image(w, r, id)
}

// choice is what the applicant looks at: the case's own photo and face where the query says nothing else.
// Nothing of it is stored before it is confirmed.
type choice struct {
	Case  cardstore.Case
	Steps []cardstore.Step
	Photo uuid.UUID
	Face  string
}

func (c Changes) open(r *http.Request, values url.Values) (choice, error) {
	cs, steps, err := c.Desk.Open(r)
	if err != nil {
		return choice{}, err
	}
	ch := choice{Case: cs, Steps: steps, Face: cs.Face}
	if cs.PhotoID != nil {
		ch.Photo = *cs.PhotoID
	}
	if face := values.Get(card.FieldFace); face != "" {
		ch.Face = face
	}
	if id := values.Get(card.FieldPhoto); id != "" {
		if ch.Photo, err = uuid.FromString(id); err != nil {
			return choice{}, fault.Wrap(fault.NotFound, err, "没有这张照片。")
		}
	}
	return ch, nil
}

// same tells whether nothing is changed yet.
func (ch choice) same() bool {
	return ch.Case.PhotoID != nil && ch.Photo == *ch.Case.PhotoID && ch.Face == ch.Case.Face
}

func (ch choice) query() url.Values {
	return url.Values{card.FieldPhoto: {ch.Photo.String()}, card.FieldFace: {ch.Face}}
}

// path is a page about the choice.
func (ch choice) path(page string) string {
	return cases.Path(ch.Case.ID) + "/" + page + "?" + ch.query().Encode()
}

type designPage struct {
	web.Frame
	Form      *web.Form
	Case      cardstore.Case
	URL       string
	Portrait  *Portrait
	Choice    choice
	FaceTitle string
	Hash      string // hex of the preview's hash; empty: it cannot be confirmed
	Problem   string // why it cannot be confirmed
	Same      bool   // nothing is changed yet
	Wrong     []string
	// ConfirmOnly: nothing is wrong, the preview is to be confirmed.
	ConfirmOnly bool
	Dates       string
	Front       string
	Back        string
	ToPhoto     string
	ToFace      string
}

func (c Changes) show(w http.ResponseWriter, r *http.Request) error {
	ch, err := c.open(r, r.URL.Query())
	if err != nil {
		return err
	}
	if !c.Desk.Outlook(ch.Case).ChangeDesign || ch.Case.Edition != card.Regular {
		return c.Desk.Past(w, r, ch.Case)
	}
	return c.render(w, r, ch, web.NewForm(nil), http.StatusOK)
}

func (c Changes) render(w http.ResponseWriter, r *http.Request, ch choice, form *web.Form, status int) error {
	mending := ch.Case.State == card.Mending
	p := &designPage{
		Frame: web.Frame{Title: "更换照片或卡面", Back: cases.Path(ch.Case.ID)}, Form: form, Case: ch.Case, URL: cases.Path(ch.Case.ID),
		Choice: ch, FaceTitle: c.Title(ch.Face), Same: ch.same() && !mending, ToPhoto: ch.path("design/photo"), ToFace: ch.path("design/face"),
	}
	var err error
	if p.Portrait, err = c.Portrait(r.Context(), web.User(r).ID, ch.Photo); err != nil {
		return err
	}
	if mending {
		p.Wrong = Wrong(ch.Steps)
		p.Title = "修改并确认卡面"
		if asked, _ := cases.Asked(ch.Steps); cases.ConfirmOnly(asked) {
			p.ConfirmOnly, p.Title = true, "确认卡面"
		}
	}
	if p.Dates, err = c.dates(r, ch.Case); err != nil {
		return err
	}
	switch {
	case p.Portrait.Refused:
		p.Problem = "这张照片没有通过审核，请换一张。"
	case p.FaceTitle == "", ch.Face != ch.Case.Face && !c.Designs.Offered(ch.Face):
		p.Problem = "所选卡面已经停用，请另选一款。"
	}
	if p.FaceTitle != "" {
		list, err := c.preview(r, ch)
		if err != nil {
			return err
		}
		if p.Problem == "" {
			hash := list.Hash()
			p.Hash = hex.EncodeToString(hash[:])
		}
		p.Front, p.Back = ch.path("design.jpg")+"&side=front", ch.path("design.jpg")+"&side=back"
	}
	return c.Kit.Render(w, r, status, "applicant/card/design", p)
}

// Wrong are the reasons for which a case is to be mended: those of the last step that asked for it.
func Wrong(steps []cardstore.Step) []string {
	asked, ok := cases.Asked(steps)
	switch {
	case !ok:
		return nil
	case asked.Reason != "":
		return []string{asked.Reason}
	}
	return []string{asked.Action.Text() + "。"}
}

// dates says what a change means for them.
func (c Changes) dates(r *http.Request, cs cardstore.Case) (string, error) {
	if cs.State != card.Mending {
		return cases.DatesAfter(cs, c.Kit.Now()), nil
	}
	today, err := c.Promises.Today(r.Context(), c.Kit)
	return "送达日期从您确认那天起算，今天确认：" + today + "。", err
}

// onCard is what the preview shows of the choice.
func (c Changes) onCard(r *http.Request, ch choice) (Card, error) {
	profile, err := c.People.ByID(r.Context(), web.User(r).ID)
	return Card{Face: ch.Face, HolderName: ch.Case.HolderName, VolunteerNo: profile.VolunteerNo, Photo: ch.Photo}, err
}

func (c Changes) preview(r *http.Request, ch choice) (*render.DisplayList, error) {
	on, err := c.onCard(r, ch)
	if err != nil {
		return nil, err
	}
	return c.Preview(r.Context(), web.User(r).ID, on)
}

// picture is the card as it was confirmed, or as the choice would make it.
func (c Changes) picture(w http.ResponseWriter, r *http.Request) error {
	ch, err := c.open(r, r.URL.Query())
	if err != nil {
		return err
	}
	if ch.Case.Edition != card.Regular {
		return fault.New(fault.NotFound, "没有这张卡面。")
	}
	on, err := c.onCard(r, ch)
	if err != nil {
		return err
	}
	return c.Picture(w, r, on)
}

func (c Changes) confirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	ch, err := c.open(r, form.Values)
	if err != nil {
		return err
	}
	if !c.Desk.Outlook(ch.Case).ChangeDesign || ch.Case.Edition != card.Regular {
		return c.Desk.Past(w, r, ch.Case)
	}
	in := workflows.NewDesign{ApplicationID: ch.Case.ID, PersonID: web.User(r).ID, PhotoID: ch.Photo, Face: ch.Face}
	hash, err := hex.DecodeString(form.Get("hash"))
	if err != nil || len(hash) != len(in.Hash) {
		form.Fail("", "请先核对下面的预览，再确认。")
		return c.render(w, r, ch, form, form.Status())
	}
	copy(in.Hash[:], hash)
	err = c.Processes.ChangeDesign(r.Context(), in)
	done := func(now cardstore.Case) bool {
		return now.State != card.Mending && now.PhotoID != nil && *now.PhotoID == in.PhotoID && now.Face == in.Face && bytes.Equal(now.DesignHash, in.Hash[:])
	}
	if err = c.Desk.Decided(r, err, ch.Case.ID, done); err != nil {
		return c.refuse(w, r, form, err)
	}
	c.Kit.FlashOK(r, "已按您确认的卡面更新。")
	web.Redirect(w, r, cases.Path(ch.Case.ID))
	return nil
}

// refuse shows the newest preview, or why nothing can be changed any more.
func (c Changes) refuse(w http.ResponseWriter, r *http.Request, form *web.Form, err error) error {
	if absorbed := form.Absorb("", err); absorbed != nil {
		return absorbed
	}
	now, openErr := c.open(r, form.Values)
	if openErr != nil {
		return openErr
	}
	if !c.Desk.Outlook(now.Case).ChangeDesign {
		return c.Desk.Past(w, r, now.Case)
	}
	return c.render(w, r, now, form, web.StatusOf(err))
}

type photoPage struct {
	web.Frame
	Case   cardstore.Case
	Upload Upload
	Dates  string
	Cancel string
}

func (c Changes) photoForm(w http.ResponseWriter, r *http.Request) error {
	ch, err := c.open(r, r.URL.Query())
	if err != nil {
		return err
	}
	if !c.Desk.Outlook(ch.Case).ChangeDesign || ch.Case.Edition != card.Regular {
		return c.Desk.Past(w, r, ch.Case)
	}
	return c.renderPhoto(w, r, ch, Upload{}, web.NewForm(nil), http.StatusOK)
}

func (c Changes) renderPhoto(w http.ResponseWriter, r *http.Request, ch choice, up Upload, form *web.Form, status int) error {
	up.Action, up.Submit = cases.Path(ch.Case.ID)+"/design/photo", "上传照片"
	up.Hidden = []Hidden{{card.FieldFace, ch.Face}}
	up, err := c.Asking(r.Context(), web.User(r).ID, up, form)
	if err != nil {
		return err
	}
	dates, err := c.dates(r, ch.Case)
	if err != nil {
		return err
	}
	return c.Kit.Render(w, r, status, "applicant/card/photo", &photoPage{
		Frame: web.Frame{Title: "更换照片", Back: ch.path("design")}, Case: ch.Case, Upload: up, Dates: dates, Cancel: ch.path("design"),
	})
}

func (c Changes) upload(w http.ResponseWriter, r *http.Request) error {
	// Asked before the file is read: a case that is closed to changes takes none.
	if ch, err := c.open(r, nil); err != nil {
		return err
	} else if !c.Desk.Outlook(ch.Case).ChangeDesign || ch.Case.Edition != card.Regular {
		return c.Desk.Past(w, r, ch.Case)
	}
	in, err := c.Receive(r, web.User(r))
	if err != nil {
		return err
	}
	defer in.Close()
	ch, err := c.open(r, url.Values{card.FieldFace: in.Form.Values[card.FieldFace]})
	if err != nil {
		return err
	}
	id, reasons, status, err := c.Accept(r.Context(), web.User(r).ID, in)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return c.renderPhoto(w, r, ch, in.Refused(reasons, true), in.Form, status)
	}
	ch.Photo = id
	web.Redirect(w, r, ch.path("design"))
	return nil
}

type facePage struct {
	web.Frame
	Case    cardstore.Case
	URL     string
	Photo   uuid.UUID
	Gallery Gallery
}

func (c Changes) gallery(w http.ResponseWriter, r *http.Request) error {
	ch, err := c.open(r, r.URL.Query())
	if err != nil {
		return err
	}
	if !c.Desk.Outlook(ch.Case).ChangeDesign || ch.Case.Edition != card.Regular {
		return c.Desk.Past(w, r, ch.Case)
	}
	if _, err := c.Portrait(r.Context(), web.User(r).ID, ch.Photo); err != nil {
		return err
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/face", &facePage{
		Frame: web.Frame{Title: "更换卡面", Back: ch.path("design")}, Case: ch.Case, URL: cases.Path(ch.Case.ID), Photo: ch.Photo,
		Gallery: c.Gallery(cases.Path(ch.Case.ID)+"/design.jpg", url.Values{card.FieldPhoto: {ch.Photo.String()}}, ch.Face, ""),
	})
}
