// Package render turns a card's data and a face into what people see: one display
// list, drawn as the PDF that is printed, the picture that is previewed and the SVG
// that a page shows. It knows fonts, glyphs and millimetres, nothing about
// applications. What has no glyph is refused, never drawn as a box.
package render

import "time"

// Side is one side of a card.
type Side string

// The two sides of a card.
const (
	Front Side = "front"
	Back  Side = "back"
)

// PictureWidth is the preview's width in pixels: a CR80 card at 300 dpi.
const PictureWidth = 1011

// CardData is what a face can show of one card. Every field may be empty: the
// elements that need it are then left out.
type CardData struct {
	// Edition is the screen word of the edition, such as 通用版.
	Edition     string
	HolderName  string
	CardNumber  string
	VolunteerNo string
	IssuedOn    time.Time
	ExpiresOn   time.Time
	// QR is the text of the QR code; upper-case letters, digits and $%*+-./: keep it small.
	QR string
	// Photo is a colour JPEG of PhotoWidth × PhotoHeight pixels, for faces with a photo box.
	Photo []byte
}

// The only size of a photo: 25 × 35 mm at 300 dpi.
const (
	PhotoWidth  = 295
	PhotoHeight = 413
)

// FileCards is how many cards one print file holds at most.
const FileCards = 500

// Preview is the card as its applicant confirms it: without the number, the QR and the
// dates, which exist only once it is issued. The hash of its display list is the design
// that was confirmed; it comes out the same from any later state of the card.
func (d CardData) Preview() CardData {
	d.CardNumber, d.QR = "", ""
	d.IssuedOn, d.ExpiresOn = time.Time{}, time.Time{}
	return d
}

// PDFOptions says how a print file is made. The zero value is one card at its own size.
type PDFOptions struct {
	// Bleed adds the face's bleed on every side.
	Bleed bool
	// CropMarks adds marks at the card's corners; they imply Bleed.
	CropMarks bool
	// Date is written as creation and modification date, so that equal input gives equal bytes.
	Date time.Time
	// Title is the document's title; it must hold nothing personal.
	Title string
}
