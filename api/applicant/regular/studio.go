// Package regular holds what the regular edition adds to the applicant's pages: the photo, the card
// faces with one's own card on them, and the changes that are possible until the card is made.
package regular

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/picture"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/limit"
	"volcard/internal/photo"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
)

// Designs lays the preview of a regular card out. Its hash is what an applicant confirms.
type Designs interface {
	Offered(face string) bool
	Preview(d cardstore.Design) (*render.DisplayList, error)
}

// Studio takes photos and shows cards with them.
type Studio struct {
	Kit      *web.Kit
	Photos   photostore.Photos
	Limits   limit.Limiter
	Consents personstore.Consents
	Faces    render.Faces
	Designs  Designs
	Pictures *picture.Painter
}

// Image answers with a photo of the person who asks, and with nobody else's.
func (s Studio) Image(w http.ResponseWriter, r *http.Request, id uuid.UUID) error {
	jpeg, err := s.Photos.Image(r.Context(), web.User(r).ID, id)
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/jpeg", "", jpeg)
}

// Portrait is a photo as its owner's page shows it.
type Portrait struct {
	Src     string
	Refused bool
	Doubts  []photo.Finding // why a person looks at it
}

// PhotoPath is where a photo is served to its owner.
func PhotoPath(id uuid.UUID) string { return "/photos/" + id.String() }

// Portrait reads a photo of a person. NotFound where it is somebody else's.
func (s Studio) Portrait(ctx context.Context, person, id uuid.UUID) (*Portrait, error) {
	p, err := s.Photos.Get(ctx, person, id)
	if err != nil {
		return nil, err
	}
	shown := &Portrait{Src: PhotoPath(id), Refused: p.Refused}
	if p.Verdict == string(photo.Doubtful) {
		for _, code := range p.Findings {
			shown.Doubts = append(shown.Doubts, photo.Finding{Code: photo.Code(code)})
		}
	}
	return shown, nil
}

// Card is what stands on a card that is not issued yet.
type Card struct {
	Face, HolderName, VolunteerNo string
	Photo                         uuid.UUID // nil: none yet
}

// Preview lays the card out as its applicant confirms it.
func (s Studio) Preview(ctx context.Context, person uuid.UUID, c Card) (*render.DisplayList, error) {
	var jpeg []byte
	if !c.Photo.IsNil() {
		var err error
		if jpeg, err = s.Photos.Image(ctx, person, c.Photo); err != nil {
			return nil, err
		}
	}
	return s.Designs.Preview(cardstore.Design{Face: c.Face, HolderName: c.HolderName, VolunteerNo: c.VolunteerNo, Photo: jpeg})
}

// Picture answers with one side of the preview.
func (s Studio) Picture(w http.ResponseWriter, r *http.Request, c Card) error {
	width := render.PictureWidth
	if r.URL.Query().Get("size") == "small" {
		width = picture.Small
	}
	list, err := s.Preview(r.Context(), web.User(r).ID, c)
	if err != nil {
		return err
	}
	return s.Pictures.Serve(w, r, width, func() (*render.DisplayList, error) { return list, nil })
}

// Gallery is part "face-gallery": the person's own card on each face.
type Gallery struct {
	Faces []FaceChoice
	Error string
}

// FaceChoice is one face of the gallery.
type FaceChoice struct {
	Name, Title string
	Front, Back string // addresses of the pictures
	Checked     bool
}

// Gallery lists the faces that are offered. pictures is the page's own address of previews, with what
// they need beside the face.
func (s Studio) Gallery(pictures string, query url.Values, chosen, sentence string) Gallery {
	g := Gallery{Error: sentence}
	for _, name := range s.Faces.Names(string(card.Regular)) {
		face, err := s.Faces.Face(name)
		if err != nil {
			continue // withdrawn between the two lines: not offered either way
		}
		src := func(side render.Side) string {
			q := url.Values{"face": {name}, "side": {string(side)}, "size": {"small"}}
			for key, values := range query {
				q[key] = values
			}
			return pictures + "?" + q.Encode()
		}
		g.Faces = append(g.Faces, FaceChoice{
			Name: name, Title: face.Title, Front: src(render.Front), Back: src(render.Back), Checked: name == chosen,
		})
	}
	return g
}

// Title is a face's name for people; empty where there is no such face.
func (s Studio) Title(name string) string {
	face, err := s.Faces.Face(name)
	if err != nil {
		return ""
	}
	return face.Title
}
