// Package picture draws cards for the pages of their holders and sends them as private files.
package picture

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"volcard/internal/fault"
	"volcard/internal/render"
)

// Drawing costs some 20 ms of a core: so many at once, and nobody waits longer than this.
const (
	drawers = 2
	wait    = 5 * time.Second
)

// Small is the width of a picture that stands in a list.
const Small = 640

// Painter draws cards, a few at once. What it draws is personal and is kept nowhere.
type Painter struct{ slots chan struct{} }

// NewPainter makes a painter.
func NewPainter() *Painter { return &Painter{slots: make(chan struct{}, drawers)} }

// Draw runs fn when its turn comes.
func (p *Painter) Draw(ctx context.Context, fn func() ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		return fn()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "现在生成卡面的人较多，请稍后刷新。")
	}
}

// Side is the side of the card that the request asks for: the front where it says nothing else.
func Side(r *http.Request) render.Side {
	if render.Side(r.URL.Query().Get("side")) == render.Back {
		return render.Back
	}
	return render.Front
}

// Serve answers with the picture of one side. The content names what is drawn, so that a browser
// that has it already is told so without drawing.
func (p *Painter) Serve(w http.ResponseWriter, r *http.Request, content string, width int, layout func() (*render.DisplayList, error)) error {
	side := Side(r)
	if Unchanged(w, r, content+"/"+string(side)+"/"+strconv.Itoa(width)) {
		return nil
	}
	picture, err := p.Draw(r.Context(), func() ([]byte, error) {
		list, err := layout()
		if err != nil {
			return nil, err
		}
		return render.JPEG(list, side, width)
	})
	if err != nil {
		return err
	}
	return Send(w, r, "image/jpeg", picture)
}

// Unchanged sets the headers of a private file and answers 304 where the browser has it.
func Unchanged(w http.ResponseWriter, r *http.Request, content string) bool {
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

// Send answers with a file after Unchanged has set its headers.
func Send(w http.ResponseWriter, r *http.Request, mime string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if _, err := w.Write(body); err != nil && r.Context().Err() == nil {
		return err
	}
	return nil
}
