package photo

import (
	"strings"

	"volcard/internal/fault"
)

// Code names one thing that can be wrong with a photo. It is stored with the case, so a code
// that was given once keeps its meaning.
type Code string

// What the file itself can be.
const (
	Empty         Code = "empty"
	TooManyBytes  Code = "too_many_bytes"
	NotAPicture   Code = "not_a_picture"
	HEIC          Code = "heic"
	OtherFormat   Code = "other_format"
	WebP          Code = "webp"
	GIF           Code = "gif"
	BMP           Code = "bmp"
	TIFF          Code = "tiff"
	AVIF          Code = "avif"
	RareJPEG      Code = "rare_jpeg"
	Animated      Code = "animated"
	Damaged       Code = "damaged"
	TooManyPixels Code = "too_many_pixels"
	PrintColours  Code = "print_colours"
	CropOutside   Code = "crop_outside"
	WrongRatio    Code = "wrong_ratio"
)

// What the picture can show.
const (
	TooSmall       Code = "too_small"
	Dark           Code = "dark"
	Overexposed    Code = "overexposed"
	NoFace         Code = "no_face"
	Sideways       Code = "sideways"
	SeveralFaces   Code = "several_faces"
	FaceSmall      Code = "face_small"
	FaceCut        Code = "face_cut"
	Blurred        Code = "blurred"
	BusyBackground Code = "busy_background"
	OddColours     Code = "odd_colours"
)

// Finding is one thing that is wrong with a photo, or may be.
type Finding struct {
	Code Code `json:"code"`
}

// Text says what is wrong, in a sentence for people.
func (f Finding) Text() string { return reasonOf(f.Code).text }

// Fix says how to mend it.
func (f Finding) Fix() string { return reasonOf(f.Code).fix }

// FixWithoutTools is Fix for a page on which the picture cannot be moved or turned.
func (f Finding) FixWithoutTools() string {
	if r := reasonOf(f.Code); r.plain != "" {
		return r.plain
	}
	return f.Fix()
}

// Refusal is the answer to a photo that cannot be taken. errors.As finds it, and the fault of
// kind Invalid that it wraps.
type Refusal struct {
	// Reasons has at least one, the weightiest first.
	Reasons []Finding
	err     error // for the log
}

func (r *Refusal) Error() string { return "photo refused: " + strings.Join(r.codes(), ", ") }

// Unwrap gives the fault of kind Invalid whose sentence is the first reason and its remedy.
func (r *Refusal) Unwrap() error {
	first := r.Reasons[0]
	return &fault.Error{Kind: fault.Invalid, Msg: first.Text() + first.Fix(), Err: r.err}
}

func (r *Refusal) codes() []string {
	var codes []string
	for _, f := range r.Reasons {
		codes = append(codes, string(f.Code))
	}
	return codes
}

func refuse(err error, codes ...Code) error {
	r := &Refusal{err: err}
	for _, c := range codes {
		r.Reasons = append(r.Reasons, Finding{c})
	}
	return r
}
