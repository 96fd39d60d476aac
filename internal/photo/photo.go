// Package photo turns what somebody uploads into the picture of a card: 295 × 413 pixels of
// JPEG without a word about where it was taken, or a list of what is wrong and how to mend it.
// It is bytes to bytes: no store, no page. docs/photo.md tells what the gate refuses.
package photo

import (
	"context"
	"crypto/sha256"
	"image"

	"volcard/internal/fault"
)

// The picture of a card: 25 × 35 mm at 300 dpi.
const (
	Width  = 295
	Height = 413
	DPI    = 300
)

// MaxBytes bounds an upload: a 12-megapixel phone writes 3 to 8 MB.
const MaxBytes = 12 << 20

// Crop is the part of the picture that becomes the card's, in pixels of the picture as the
// person saw it: upright by its EXIF orientation, then turned by Rotate. W and H of zero mean
// that nobody cropped: Make then chooses by itself, around the one face or in the middle.
type Crop struct {
	X, Y, W, H float64
	// Rotate turns clockwise by 0, 90, 180 or 270 degrees.
	Rotate int
}

// Verdict says who decides on a photo.
type Verdict string

const (
	// Clear: no person needs to look at it.
	Clear Verdict = "clear"
	// Doubtful: a reviewer decides; the findings are the hint.
	Doubtful Verdict = "doubtful"
)

// Photo is what is kept of an upload.
type Photo struct {
	// JPEG is 295 × 413 pixels of baseline JPEG in sRGB, without metadata.
	JPEG    []byte
	SHA256  [sha256.Size]byte
	Verdict Verdict
	// Findings are the doubts, the weightiest first; empty when clear.
	Findings []Finding
}

// Make reads an upload and makes the card's photo of it. What the person has to mend comes back
// as a *Refusal, which is a fault of kind Invalid and lists its reasons. At most two pictures are
// decoded at a time; who waits for that until ctx ends gets a fault of kind Unavailable.
func Make(ctx context.Context, raw []byte, crop Crop) (Photo, error) {
	h, err := inspect(raw)
	if err != nil {
		return Photo{}, err
	}
	rotated, ok := clockwise(crop.Rotate)
	if !ok {
		return Photo{}, refuse(nil, CropOutside)
	}
	h.turn = h.turn.then(rotated)
	var part image.Rectangle
	if !crop.none() {
		if part, err = crop.place(h.turn.size(h.width, h.height)); err != nil {
			return Photo{}, err
		}
	}
	picture, m, err := read(ctx, h, part)
	if err != nil {
		return Photo{}, err
	}
	findings, worst := judge(m)
	if worst == certain {
		return Photo{}, &Refusal{Reasons: findings}
	}
	p := Photo{Verdict: Clear, Findings: findings}
	if worst == doubt {
		p.Verdict = Doubtful
	}
	if p.JPEG, err = encode(picture); err != nil {
		return Photo{}, fault.Wrap(fault.Internal, err, "")
	}
	p.SHA256 = sha256.Sum256(p.JPEG)
	return p, nil
}

// read decodes and looks, while it holds one of the slots. An empty part means that none was chosen.
func read(ctx context.Context, h header, part image.Rectangle) (*image.RGBA, measures, error) {
	if err := slots.Acquire(ctx, 1); err != nil {
		return nil, measures{}, busy(err)
	}
	defer slots.Release(1)
	img, err := h.pixels(ctx)
	if err != nil {
		return nil, measures{}, err
	}
	t, rival := h.turn, face{}
	if part.Empty() {
		t, part, rival = choose(img, t)
	}
	picture := cut(img, t, part)
	if c, ok := readColours(h.profile); ok {
		c.apply(picture)
	}
	return picture, measure(picture, Width/float64(part.Dx()), rival), nil
}

// choose crops by itself: around the surest face, in the middle where there is none. It turns a
// picture whose only face lies on its side, and tells of another face that the crop may hide, in
// pixels of the card's picture.
func choose(img image.Image, t turn) (turn, image.Rectangle, face) {
	whole, scale := overview(img, t)
	// Who takes a portrait is near; only where that finds nobody are small faces worth the time.
	least := max(min(whole.width, whole.height)/12, 20)
	first, rival := twoSurest(findFaces(whole, 2*least), face{})
	if first.score < sureFace {
		first, rival = twoSurest(findFaces(whole, least), face{})
	}
	if first.score < sureFace {
		best := upright
		for _, side := range sides {
			if f, r := twoSurest(findFaces(whole.turned(side), least), face{}); f.score > max(first.score, 2*sureFace) {
				best, first, rival = side, f, r
			}
		}
		t = t.then(best)
	}
	width, height := t.size(img.Bounds().Dx(), img.Bounds().Dy())
	part := centred(width, height)
	if first.score >= sureFace {
		part = around(face{x: first.x * scale, y: first.y * scale, size: first.size * scale}, width, height)
	}
	rival.size *= scale * Width / float64(part.Dx())
	return t, part, rival
}
