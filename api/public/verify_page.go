package public

import (
	"encoding/json"
	"net/http"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/fault"
)

const (
	// pagePath is the page on which cards are checked.
	pagePath = "/verify"
	// maxForm bounds its form in bytes: the longest text that is looked at, nine bytes for a character in a form.
	maxForm = 9*credential.MaxScan + 1<<10
)

type verifyPage struct {
	web.Frame
	Form     *web.Form
	Verdicts []facts
	// What the page's program shows beyond the verdicts, as JSON: the names of the editions, and
	// why a token is unknown.
	Editions, Reasons string
}

// page is the tool that goes on working when the network is gone.
func (v Verify) page(w http.ResponseWriter, r *http.Request) error {
	return v.renderPage(w, r, web.NewForm(nil), http.StatusOK)
}

// check answers where the page's program does not run: it leads to the page of the card, or says why the text is none.
func (v Verify) check(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	text := form.Get("text")
	if text == "" {
		form.Fail("text", "请粘贴二维码内容或链接。")
		return v.renderPage(w, r, form, form.Status())
	}
	said, token, err := v.look(r.Context(), text, v.Kit.Now())
	if err != nil {
		return err
	}
	if token == "" {
		form.Fail("text", said.Title+"："+said.Sentence)
		return v.renderPage(w, r, form, form.Status())
	}
	web.Redirect(w, r, "/v/"+token)
	return nil
}

func (v Verify) renderPage(w http.ResponseWriter, r *http.Request, form *web.Form, status int) error {
	p := &verifyPage{Frame: web.Frame{Title: "核验证件", Back: "/", Anonymous: true}, Form: form}
	for _, said := range verdicts {
		p.Verdicts = append(p.Verdicts, facts{Verdict: said})
	}
	editions, err := json.Marshal(map[card.Edition]string{
		card.General: card.General.Text(), card.Regular: card.Regular.Text(),
	})
	if err != nil {
		return err
	}
	reasons, err := json.Marshal(map[string]string{
		"malformed":   fault.Sentence(credential.ErrMalformed),
		"unknown-key": fault.Sentence(credential.ErrUnknownKey),
		"altered":     fault.Sentence(credential.ErrSignature),
	})
	if err != nil {
		return err
	}
	p.Editions, p.Reasons = string(editions), string(reasons)
	return v.Kit.Render(w, r, status, "public/verify", p)
}
