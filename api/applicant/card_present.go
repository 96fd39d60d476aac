package applicant

import (
	"net/http"
	"time"
	"unicode/utf8"

	"volcard/api/applicant/cases"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/store/cardstore"
)

// presentPage is what a holder shows to a checker: the screen holds nothing but the card's QR, name and time.
type presentPage struct {
	web.Frame
	Case   cardstore.Case
	URL    string
	Status string // valid, suspended or expired
	At     time.Time
}

// LongName reports whether the name needs smaller letters to leave the QR its room.
func (p *presentPage) LongName() bool { return utf8.RuneCountInString(p.Case.HolderName) > 12 }

// presentStatus is how the card stands for a checker; only a valid one shows its QR.
func presentStatus(cs cardstore.Case, now time.Time) string {
	if cs.CardStatus == card.Valid && now.After(cs.CardExpiresAt) {
		return "expired"
	}
	return string(cs.CardStatus)
}

// presentable reports whether a holder can show the card as valid now.
func presentable(cs cardstore.Case, now time.Time) bool {
	return presentStatus(cs, now) == string(card.Valid)
}

// present shows the digital card on a whole screen, or for htmx whether it is still so: a page that
// shows the status already is answered with nothing.
func (c cardFiles) present(w http.ResponseWriter, r *http.Request) error {
	cs, err := c.issued(r)
	if err != nil {
		return err
	}
	p := &presentPage{
		Frame: web.Frame{Title: "出示电子证", Back: cases.Path(cs.ID)}, Case: cs, URL: cases.Path(cs.ID), At: c.Kit.Now(),
	}
	p.Status = presentStatus(cs, p.At)
	if web.IsHTMX(r) {
		if r.URL.Query().Get("v") == p.Status {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return c.Kit.RenderPart(w, r, http.StatusOK, "applicant/card/present", "presented", p)
	}
	return c.Kit.Render(w, r, http.StatusOK, "applicant/card/present", p)
}
