package applicant

import (
	"net/http"

	"volcard/api/applicant/cases"
	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
)

// cardFiles are the pictures of an issued card.
type cardFiles struct {
	cards
	studio regular.Studio
}

// issued reads a case of this person whose card may be shown.
func (c cardFiles) issued(r *http.Request) (cardstore.Case, error) {
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return cs, err
	}
	if !cases.Showable(cs) {
		return cs, fault.New(fault.NotFound, "这份申请没有有效的电子证。")
	}
	return cs, nil
}

// layout draws what is on the card: of a regular one its own face and photo.
func (c cardFiles) layout(r *http.Request, cs cardstore.Case) (*render.DisplayList, error) {
	name, data := string(card.General), render.CardData{
		Edition: cs.Edition.Text(), HolderName: cs.HolderName, CardNumber: cs.CardNumber, VolunteerNo: cs.VolunteerNo,
		IssuedOn: cs.CardIssuedAt, ExpiresOn: cs.CardExpiresAt, QR: credential.URL(c.BaseURL, cs.Token),
	}
	if cs.Edition == card.Regular {
		name = cs.Face
		if cs.PhotoID != nil {
			var err error
			if data.Photo, err = c.Photos.Image(r.Context(), web.User(r).ID, *cs.PhotoID); err != nil {
				return nil, err
			}
		}
	}
	face, err := c.Faces.Face(name)
	if err != nil {
		return nil, err
	}
	return render.Layout(face, data)
}

func (c cardFiles) picture(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("side") == "both" {
		return c.download(w, r, cs)
	}
	return c.studio.Pictures.Serve(w, r, render.PictureWidth, func() (*render.DisplayList, error) { return c.layout(r, cs) })
}

// download answers with both sides on one picture: what a holder keeps has the QR, on whichever side of the
// face it stands.
func (c cardFiles) download(w http.ResponseWriter, r *http.Request, cs cardstore.Case) error {
	file, err := c.studio.Pictures.Draw(r.Context(), func() ([]byte, error) {
		list, err := c.layout(r, cs)
		if err != nil {
			return nil, err
		}
		return render.BothSides(list, render.PictureWidth)
	})
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/jpeg", "", file)
}

func (c cardFiles) pdf(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	file, err := c.studio.Pictures.Draw(r.Context(), func() ([]byte, error) {
		list, err := c.layout(r, cs)
		if err != nil {
			return nil, err
		}
		return render.PDF(render.PDFOptions{Date: cs.CardIssuedAt, Title: "湖北省注册志愿者证"}, list)
	})
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "application/pdf", "volunteer-card.pdf", file)
}

// cardCode is the QR of the digital card, large, to be scanned from a screen.
func (c cardFiles) cardCode(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	return c.code(w, r, credential.URL(c.BaseURL, cs.Token))
}

// pickupCode is the pickup code for the scanner at the counter.
func (c cardFiles) pickupCode(w http.ResponseWriter, r *http.Request) error {
	cs, _, err := c.desk.Open(r)
	if err != nil {
		return err
	}
	if cs.State != card.Ready {
		return fault.New(fault.NotFound, "现在没有等待领取的卡片。")
	}
	return c.code(w, r, cs.PickupCode)
}

// code answers with a QR. It is a file of its own, since drawing it costs more than the whole page.
func (c cardFiles) code(w http.ResponseWriter, r *http.Request, text string) error {
	svg, err := c.studio.Pictures.Draw(r.Context(), func() ([]byte, error) {
		code, err := render.QR(text)
		return code.SVG(), err
	})
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/svg+xml", "", svg)
}
