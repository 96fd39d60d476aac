package applicant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
)

// Drawing costs some 20 ms of a core: so many at once, and nobody waits longer than this.
const (
	drawers     = 2
	drawingWait = 5 * time.Second
)

// painter draws cards, a few at once. What it draws is personal and is kept nowhere.
type painter struct{ slots chan struct{} }

func newPainter() *painter { return &painter{slots: make(chan struct{}, drawers)} }

func (p *painter) draw(ctx context.Context, fn func() ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, drawingWait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		return fn()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "现在生成卡面的人较多，请稍后刷新。")
	}
}

// serve answers with the picture of one side. The content names what is drawn, so that a browser
// that has it already is told so without drawing.
func (p *painter) serve(w http.ResponseWriter, r *http.Request, face *render.Face, data render.CardData, content string) error {
	side := render.Side(r.URL.Query().Get("side"))
	if side != render.Back {
		side = render.Front
	}
	if unchanged(w, r, content+"/"+string(side)) {
		return nil
	}
	picture, err := p.draw(r.Context(), func() ([]byte, error) {
		list, err := render.Layout(face, data)
		if err != nil {
			return nil, err
		}
		return render.JPEG(list, side, render.PictureWidth)
	})
	if err != nil {
		return err
	}
	return send(w, r, "image/jpeg", picture)
}

// unchanged sets the headers of a private file and answers 304 where the browser has it.
func unchanged(w http.ResponseWriter, r *http.Request, content string) bool {
	sum := sha256.Sum256([]byte(content))
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Etag", etag)
	// Kept by this browser only, and asked for again each time: a card can be cancelled.
	h.Set("Cache-Control", "private, no-cache")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}

func send(w http.ResponseWriter, r *http.Request, mime string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if _, err := w.Write(body); err != nil && r.Context().Err() == nil {
		return err
	}
	return nil
}

// cardFiles are the pictures of an issued card.
type cardFiles struct {
	cards
	pictures *painter
}

// issued reads a case of this person whose card may be shown.
func (c cardFiles) issued(r *http.Request) (cardstore.Case, error) {
	cs, _, err := c.open(r)
	if err != nil {
		return cs, err
	}
	if !showable(cs) {
		return cs, fault.New(fault.NotFound, "这份申请没有有效的电子证。")
	}
	return cs, nil
}

// showable: a cancelled or replaced card is not drawn as if it were one.
func showable(cs cardstore.Case) bool {
	return cs.CardStatus == card.Valid || cs.CardStatus == card.Suspended
}

func (c cardFiles) data(cs cardstore.Case) render.CardData {
	return render.CardData{
		Edition: cs.Edition.Text(), HolderName: cs.HolderName, CardNumber: cs.CardNumber, VolunteerNo: cs.VolunteerNo,
		IssuedOn: cs.CardIssuedAt, ExpiresOn: cs.CardExpiresAt, QR: credential.URL(c.BaseURL, cs.Token),
	}
}

// content names what is drawn of an issued card: its number and its token, which names the key.
func content(cs cardstore.Case) string { return cs.CardNumber + "/" + cs.Token }

func (c cardFiles) picture(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	return c.pictures.serve(w, r, c.Face, c.data(cs), content(cs))
}

func (c cardFiles) pdf(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	if unchanged(w, r, content(cs)+"/pdf") {
		return nil
	}
	file, err := c.pictures.draw(r.Context(), func() ([]byte, error) {
		list, err := render.Layout(c.Face, c.data(cs))
		if err != nil {
			return nil, err
		}
		return render.PDF(render.PDFOptions{Date: cs.CardIssuedAt, Title: "湖北省注册志愿者证"}, list)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="volunteer-card.pdf"`)
	return send(w, r, "application/pdf", file)
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
	cs, _, err := c.open(r)
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
	if unchanged(w, r, text) {
		return nil
	}
	svg, err := c.pictures.draw(r.Context(), func() ([]byte, error) {
		code, err := render.QR(text)
		return code.SVG(), err
	})
	if err != nil {
		return err
	}
	return send(w, r, "image/svg+xml", svg)
}
