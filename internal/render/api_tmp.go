package render

import (
	"image"
	"io/fs"

	"volcard/internal/fault"
)

// Face is one design of a card: data and art, validated by LoadFaces.
type Face struct{ Name string }

// Faces are the designs at hand, by name.
type Faces map[string]*Face

// DisplayList is what is drawn, on both sides.
type DisplayList struct{}

var errEarly = fault.New(fault.Unavailable, "卡面暂不可用")

// LoadFaces reads every folder of fsys that holds a face.json and refuses any that is not sound.
func LoadFaces(fsys fs.FS) (Faces, error) { return nil, errEarly }

// Face finds a face by its name.
func (f Faces) Face(name string) (*Face, error) { return nil, errEarly }

// Layout places a card's data on a face.
func Layout(face *Face, data CardData) (*DisplayList, error) { return nil, errEarly }

// Hash identifies what is drawn.
func (d *DisplayList) Hash() [32]byte { return [32]byte{} }

// PDF renders both sides, one page each, of every card given.
func PDF(o PDFOptions, lists ...*DisplayList) ([]byte, error) { return nil, errEarly }

// Picture draws a side without bleed, width pixels wide (0: PictureWidth).
func Picture(list *DisplayList, side Side, width int) (*image.RGBA, error) { return nil, errEarly }

// JPEG is Picture, encoded at quality 85.
func JPEG(list *DisplayList, side Side, width int) ([]byte, error) { return nil, errEarly }

// SVG draws a side for inlining in a page, text as outlines. Ids start with prefix.
func SVG(list *DisplayList, side Side, prefix string) ([]byte, error) { return nil, errEarly }

// Missing returns the runes of text that no font has a glyph for, each once.
func Missing(text string) []rune { return nil }
