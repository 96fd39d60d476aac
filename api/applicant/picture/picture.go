// Package picture draws cards for the pages of their holders. What it draws is sent as a private file
// (web.SendPrivate), which a browser does not keep: phones and computers are shared, and a portrait, a QR
// or a pickup code would outlive the login.
package picture

import (
	"context"
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/render"
)

// Drawing costs some 20 ms of a core: so many at once, and behind so many others nobody waits, who would keep
// the place of a page meanwhile.
const (
	drawers = 2
	queue   = 16
	wait    = 2 * time.Second
)

// Small is the width of a picture that stands in a list.
const Small = 640

// Painter draws cards, a few at once. What it draws is personal and is kept nowhere.
type Painter struct{ slots, waiting chan struct{} } // who draws waits, too

// NewPainter makes a painter.
func NewPainter() *Painter {
	return &Painter{slots: make(chan struct{}, drawers), waiting: make(chan struct{}, drawers+queue)}
}

const crowded = "现在生成卡面的人较多，请稍后刷新。"

// Draw runs fn when its turn comes, or fails as unavailable.
func (p *Painter) Draw(ctx context.Context, fn func() ([]byte, error)) ([]byte, error) {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return nil, fault.New(fault.Unavailable, crowded)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		return fn()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), crowded)
	}
}

// Side is the side of the card that the request asks for: the front where it says nothing else.
func Side(r *http.Request) render.Side {
	if render.Side(r.URL.Query().Get("side")) == render.Back {
		return render.Back
	}
	return render.Front
}

// Serve answers with the picture of one side.
func (p *Painter) Serve(w http.ResponseWriter, r *http.Request, width int, layout func() (*render.DisplayList, error)) error {
	picture, err := p.Draw(r.Context(), func() ([]byte, error) {
		list, err := layout()
		if err != nil {
			return nil, err
		}
		return render.JPEG(list, Side(r), width)
	})
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/jpeg", "", picture)
}
