package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
	"volcard/internal/render/vector"
)

// Face is one design of a card: data and art, as docs/faces.md describes them.
type Face struct {
	Name string `json:"-"`
	// Title is the face's name for people.
	Title string `json:"title"`
	// Editions are the editions that may carry the face.
	Editions []string `json:"editions"`
	// Withdrawn faces are not offered any more; cards that were confirmed on them are still printed.
	Withdrawn bool `json:"withdrawn,omitempty"`
	// Width, Height, Bleed and Corner (its radius) are millimetres.
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
	Bleed  float64 `json:"bleed"`
	Corner float64 `json:"corner"`

	FrontSide FaceSide `json:"front"`
	BackSide  FaceSide `json:"back"`

	elements [32]byte
}

// FaceSide is the art of a side and what stands on it.
type FaceSide struct {
	Art      string    `json:"art"`
	Elements []Element `json:"elements"`

	art    *vector.Art
	artSum [32]byte
}

// Element is one thing on a side. Kind is text, qr, photo or plate; lengths are millimetres,
// sizes points, tracking and line height ems.
type Element struct {
	Kind string     `json:"kind"`
	Box  [4]float64 `json:"box"`
	// Needs names fields of the card; where one is empty, the element is left out. The
	// fields that Text, a QR or a photo use are needed without being named.
	Needs []string `json:"needs,omitempty"`
	// Unless names fields that take the element's place: it is drawn while all of them are
	// empty, as on a preview before the card has its number.
	Unless []string `json:"unless,omitempty"`
	Color  string   `json:"color,omitempty"`

	// Text may hold {field}s and line breaks.
	Text   string `json:"text,omitempty"`
	Weight string `json:"weight,omitempty"`
	// Size is the smallest and the largest size. A text that would be smaller than
	// Prefer on one line takes more, up to Lines.
	Size       [2]float64 `json:"size,omitzero"`
	Prefer     float64    `json:"prefer,omitempty"`
	Lines      int        `json:"lines,omitempty"`
	LineHeight float64    `json:"line_height,omitempty"`
	// Balance makes the lines equally long and likes to break after a middle dot.
	Balance  bool    `json:"balance,omitempty"`
	Align    string  `json:"align,omitempty"`
	VAlign   string  `json:"valign,omitempty"`
	Tracking float64 `json:"tracking,omitempty"`

	// Background and Radius are a plate, also the one under a QR; Radius also rounds a photo.
	Background string  `json:"background,omitempty"`
	Radius     float64 `json:"radius,omitempty"`
	// Quiet is the light margin of a QR in modules.
	Quiet int `json:"quiet,omitempty"`

	color, background vector.Color
	weights           []fonts.ID
	needs             []string
	// fixed is what a text without fields always gives: most of a card's texts.
	fixed []item
}

// Faces are the designs at hand, by name.
type Faces map[string]*Face

// Face finds a face by its name, a withdrawn one too.
func (f Faces) Face(name string) (*Face, error) {
	if face, ok := f[name]; ok {
		return face, nil
	}
	return nil, fault.New(fault.NotFound, "没有这种卡面")
}

// Names are the faces that an edition offers, sorted.
func (f Faces) Names(edition string) []string {
	var names []string
	for name, face := range f {
		if face.Carries(edition) && !face.Withdrawn {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Carries tells whether the edition's cards may have the face.
func (f *Face) Carries(edition string) bool { return slices.Contains(f.Editions, edition) }

// LoadFaces reads every folder of fsys that holds a face.json, and lays out sample cards
// on each, the longest name included. All that is wrong with any face comes back at once.
func LoadFaces(fsys fs.FS) (Faces, error) {
	found, err := fs.Glob(fsys, "*/face.json")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "卡面读取失败")
	}
	faces := Faces{}
	var wrong []error
	for _, file := range found {
		name := path.Dir(file)
		face, err := loadFace(fsys, name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("face %s: %w", name, err))
			continue
		}
		faces[name] = face
	}
	if len(faces) == 0 && len(wrong) == 0 {
		wrong = append(wrong, errors.New("no face.json in any folder"))
	}
	if len(wrong) > 0 {
		return nil, fault.Wrap(fault.Internal, errors.Join(wrong...), "卡面定义有误")
	}
	return faces, nil
}

func loadFace(fsys fs.FS, name string) (*Face, error) {
	data, err := fs.ReadFile(fsys, path.Join(name, "face.json"))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	f := &Face{Name: name}
	if err := dec.Decode(f); err != nil {
		return nil, err
	}
	if f.elements, err = sumOfElements(f); err != nil {
		return nil, err
	}
	var wrong []error
	if f.Title == "" || len(f.Editions) == 0 {
		wrong = append(wrong, errors.New("title and editions are needed"))
	}
	if !within(f.Width, 20, 300) || !within(f.Height, 20, 300) || !within(f.Bleed, 0, 10) || !within(f.Corner, 0, 10) {
		return nil, errors.Join(append(wrong, errors.New("width, height, bleed or corner out of range"))...)
	}
	for _, s := range []struct {
		side Side
		face *FaceSide
	}{{Front, &f.FrontSide}, {Back, &f.BackSide}} {
		if err := s.face.loadArt(fsys, name, f); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", s.side, err))
		}
		for i := range s.face.Elements {
			if err := s.face.Elements[i].prepare(f); err != nil {
				wrong = append(wrong, fmt.Errorf("%s element %d: %w", s.side, i, err))
			}
		}
	}
	if len(wrong) == 0 {
		wrong = append(wrong, f.probe()...)
	}
	return f, errors.Join(wrong...)
}

// sumOfElements does not change with the layout of face.json, only with what it says.
func sumOfElements(f *Face) ([32]byte, error) {
	data, err := json.Marshal([2][]Element{f.FrontSide.Elements, f.BackSide.Elements})
	return sha256.Sum256(data), err
}

func within(v, lo, hi float64) bool { return v >= lo && v <= hi && !math.IsNaN(v) }

func (s *FaceSide) loadArt(fsys fs.FS, name string, f *Face) error {
	if s.Art == "" || path.Base(s.Art) != s.Art {
		return errors.New("art must name a file in the face's own folder")
	}
	data, err := fs.ReadFile(fsys, path.Join(name, s.Art))
	if err != nil {
		return err
	}
	art, err := vector.ParseSVG(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Art, err)
	}
	want := [4]float64{-f.Bleed, -f.Bleed, f.Width + 2*f.Bleed, f.Height + 2*f.Bleed}
	for i, got := range [4]float64{art.X, art.Y, art.W, art.H} {
		if math.Abs(got-want[i]) > 1e-6 {
			return fmt.Errorf("%s: viewBox must be %v: millimetres, bleed included", s.Art, want)
		}
	}
	s.art, s.artSum = art, sha256.Sum256(data)
	return nil
}

// Limits of a face. 4 pt is the smallest Chinese type that card printers hold; the safe
// margin covers the tolerance of punching; 0.4 mm is what a cheap scanner still resolves.
const (
	smallestType   = 4.0
	safeMargin     = 2.0
	smallestModule = 0.4
	qrContrast     = 7.0
)

// fields are the parts of CardData that an element can name.
var fields = map[string]func(CardData) string{
	"edition":      func(d CardData) string { return d.Edition },
	"holder_name":  func(d CardData) string { return d.HolderName },
	"card_number":  func(d CardData) string { return grouped(d.CardNumber) },
	"volunteer_no": func(d CardData) string { return grouped(d.VolunteerNo) },
	"issued_on":    func(d CardData) string { return date(d.IssuedOn) },
	"expires_on":   func(d CardData) string { return date(d.ExpiresOn) },
	"qr":           func(d CardData) string { return d.QR },
	"photo":        func(d CardData) string { return string(d.Photo) },
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

func (e *Element) prepare(f *Face) error {
	x, y, w, h := e.Box[0], e.Box[1], e.Box[2], e.Box[3]
	if w <= 0 || h <= 0 || x < safeMargin || y < safeMargin || x+w > f.Width-safeMargin || y+h > f.Height-safeMargin {
		return fmt.Errorf("box %v leaves the safe area, %v mm inside the card", e.Box, safeMargin)
	}
	e.needs = slices.Clone(e.Needs)
	var err error
	switch e.Kind {
	case "text":
		err = e.prepareText()
	case "qr":
		err = e.prepareQR()
	case "photo":
		e.needs = append(e.needs, "photo")
	case "plate":
		e.background, err = vector.ParseColor(e.Background)
		if !within(e.Radius, 0, 5) {
			err = errors.New("radius out of range")
		}
	default:
		return fmt.Errorf("kind %q is not text, qr, photo or plate", e.Kind)
	}
	for _, n := range slices.Concat(e.needs, e.Unless) {
		if fields[n] == nil {
			return fmt.Errorf("no field %q", n)
		}
	}
	return err
}

func (e *Element) prepareText() error {
	for _, m := range placeholder.FindAllStringSubmatch(e.Text, -1) {
		e.needs = append(e.needs, m[1])
		if m[1] == "qr" || m[1] == "photo" {
			return fmt.Errorf("{%s} is no text", m[1])
		}
	}
	if strings.TrimSpace(e.Text) == "" {
		return errors.New("text is empty")
	}
	fixed := strings.ReplaceAll(placeholder.ReplaceAllString(e.Text, ""), "\n", "")
	if missing := Missing(fixed); len(missing) > 0 {
		return fmt.Errorf("no glyph for %q", string(missing))
	}
	switch e.Weight {
	case "bold":
		e.weights = []fonts.ID{fonts.Bold, fonts.Regular}
	case "", "regular":
		e.weights = []fonts.ID{fonts.Regular}
	default:
		return fmt.Errorf("weight %q is not regular or bold", e.Weight)
	}
	if !slices.Contains([]string{"", "left", "center", "right"}, e.Align) || !slices.Contains([]string{"", "top", "middle", "bottom"}, e.VAlign) {
		return errors.New("align is left, center or right; valign is top, middle or bottom")
	}
	if !within(e.Size[0], smallestType, 72) || !within(e.Size[1], e.Size[0], 72) {
		return fmt.Errorf("size %v must be [smallest, largest] from %v to 72 pt", e.Size, smallestType)
	}
	if e.Lines == 0 {
		e.Lines = 1
	}
	if e.LineHeight == 0 {
		e.LineHeight = 1.25
	}
	if e.Prefer == 0 {
		e.Prefer = e.Size[1]
	}
	if !within(float64(e.Lines), 1, 12) || !within(e.LineHeight, 1, 3) || !within(e.Tracking, -0.1, 2) || !within(e.Prefer, e.Size[0], e.Size[1]) {
		return errors.New("lines, line_height, tracking or prefer out of range")
	}
	var err error
	if e.color, err = vector.ParseColor(e.Color); err == nil && !placeholder.MatchString(e.Text) {
		e.fixed, err = e.layoutText(e.Text)
	}
	return err
}

func (e *Element) prepareQR() error {
	e.needs = append(e.needs, "qr")
	if e.Box[2] != e.Box[3] {
		return errors.New("a QR needs a square box")
	}
	if e.Quiet == 0 {
		e.Quiet = 4
	}
	if !within(float64(e.Quiet), 2, 8) || !within(e.Radius, 0, 5) {
		return errors.New("quiet or radius out of range")
	}
	var err1, err2 error
	e.color, err1 = vector.ParseColor(e.Color)
	e.background, err2 = vector.ParseColor(e.Background)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if contrast(e.color, e.background) < qrContrast {
		return fmt.Errorf("QR contrast is below %v", qrContrast)
	}
	return nil
}

// contrast is WCAG's ratio; a QR must also be dark on light.
func contrast(dark, light vector.Color) float64 {
	lum := func(c vector.Color) float64 {
		lin := func(v uint8) float64 {
			s := float64(v) / 255
			if s <= 0.04045 {
				return s / 12.92
			}
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
	}
	return (lum(light) + 0.05) / (lum(dark) + 0.05)
}

// probe lays out cards that a face must be able to carry.
func (f *Face) probe() []error {
	full := sample("王小明")
	var wrong []error
	for what, data := range map[string]CardData{
		"full": full, "longest name": sample(strings.Repeat("买", 25) + "·" + strings.Repeat("热", 24)),
		"preview": full.Preview(), "empty": {},
	} {
		if _, err := Layout(f, data); err != nil {
			wrong = append(wrong, fmt.Errorf("sample %q: %w", what, err))
		}
	}
	return wrong
}

// sample is a card with every field as long as it gets.
func sample(holder string) CardData {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return CardData{
		Edition: "通用版", HolderName: holder, CardNumber: "42260000000197", VolunteerNo: "42010620261123000001",
		IssuedOn: day, ExpiresOn: day.AddDate(5, 0, 0), QR: strings.Repeat("A", 300), Photo: blankPhoto(),
	}
}

// blankPhoto is a grey photo, encoded once.
var blankPhoto = sync.OnceValue(func() []byte {
	var buf bytes.Buffer
	// Writing to a buffer does not fail, and the size is one that JPEG has.
	_ = jpeg.Encode(&buf, image.NewYCbCr(image.Rect(0, 0, PhotoWidth, PhotoHeight), image.YCbCrSubsampleRatio420), nil)
	return buf.Bytes()
})
