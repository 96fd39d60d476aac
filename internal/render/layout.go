package render

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"time"
	"unicode"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/render/fonts"
	"volcard/internal/render/vector"
)

// Missing returns the runes of text that no font has a glyph for, each once. A card
// with one is held for a person.
func Missing(text string) []rune {
	_, missing, err := fonts.Pick(text, fonts.Regular)
	if err != nil { // our own embedded fonts are damaged: nothing can be drawn
		return []rune(text)
	}
	return missing
}

// ErrMissingGlyph is inside the fault that Layout returns for a text no font can draw.
var ErrMissingGlyph = errors.New("render: no glyph")

// Layout places a card's data on a face.
func Layout(face *Face, data CardData) (*DisplayList, error) {
	if face == nil {
		return nil, fault.New(fault.Internal, "没有指定卡面")
	}
	list := &DisplayList{Width: face.Width, Height: face.Height, Bleed: face.Bleed, Corner: face.Corner, elements: face.elements}
	for _, s := range []struct {
		from *FaceSide
		to   *page
	}{{&face.FrontSide, &list.front}, {&face.BackSide, &list.back}} {
		s.to.art, s.to.artSum = s.from.art, s.from.artSum
		for i := range s.from.Elements {
			items, err := s.from.Elements[i].layout(data)
			if err != nil {
				return nil, err
			}
			s.to.items = append(s.to.items, items...)
		}
	}
	return list, nil
}

func (e *Element) layout(data CardData) ([]item, error) {
	for _, need := range e.needs {
		if strings.TrimSpace(fields[need](data)) == "" {
			return nil, nil
		}
	}
	for _, other := range e.Unless {
		if strings.TrimSpace(fields[other](data)) != "" {
			return nil, nil
		}
	}
	switch e.Kind {
	case "qr":
		return e.layoutQR(data.QR)
	case "photo":
		return e.layoutPhoto(data.Photo)
	case "plate":
		return []item{{shape: e.plate()}}, nil
	}
	if e.fixed != nil {
		return e.fixed, nil
	}
	text := placeholder.ReplaceAllStringFunc(e.Text, func(m string) string {
		return fields[m[1:len(m)-1]](data)
	})
	return e.layoutText(text)
}

func (e *Element) layoutQR(text string) ([]item, error) {
	rows, err := encodeQR(text)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "二维码内容太长")
	}
	module := e.Box[2] / float64(len(rows)+2*e.Quiet)
	if module < smallestModule {
		return nil, fault.Wrap(fault.Internal, fmt.Errorf("%d modules of %.3f mm", len(rows), module), "二维码内容太长")
	}
	code := qrItem{
		X: e.Box[0] + module*float64(e.Quiet), Y: e.Box[1] + module*float64(e.Quiet),
		Module: module, Rows: rows, Color: e.color,
	}
	return []item{{shape: e.plate()}, {qr: &code}}, nil
}

func (e *Element) plate() *vector.Shape {
	return &vector.Shape{Path: vector.Rect(e.Box[0], e.Box[1], e.Box[2], e.Box[3], e.Radius), Color: e.background, Opacity: 1}
}

// layoutPhoto takes only what the photo gate makes, and all of it.
func (e *Element) layoutPhoto(data []byte) ([]item, error) {
	size, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || kind != "jpeg" || size.ColorModel != color.YCbCrModel || size.Width != PhotoWidth || size.Height != PhotoHeight || !wholeJPEG(data) {
		return nil, fault.Wrap(fault.Invalid, errPhoto, "照片不可用，请重新上传")
	}
	p := photoItem{X: e.Box[0], Y: e.Box[1], W: e.Box[2], H: e.Box[3], Radius: e.Radius, Data: data}
	return []item{{photo: &p}}, nil
}

// mmPerPoint is 25.4 mm in 72 points.
const mmPerPoint = 25.4 / 72

// emAscent is where the baseline stands in the em box of a CJK font.
const emAscent = 0.88

// embolden brings the strokes of a regular font near those of a bold one.
const embolden = 0.03

// glyph is a rune in the font that draws it.
type glyph struct {
	font  *fonts.Font
	r     rune
	width float64 // ems, tracking included
}

func (e *Element) layoutText(text string) ([]item, error) {
	var paragraphs [][]glyph
	for part := range strings.SplitSeq(text, "\n") {
		runs, missing, err := fonts.Pick(part, e.weights...)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "字库损坏")
		}
		if len(missing) > 0 {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%w for %d runes", ErrMissingGlyph, len(missing)), "有字库里没有的字，需要人工处理")
		}
		var p []glyph
		for _, run := range runs {
			for _, r := range run.Text {
				p = append(p, glyph{run.Font, r, run.Font.Advance(r) + e.Tracking})
			}
		}
		paragraphs = append(paragraphs, p)
	}
	size, lines := e.fit(paragraphs)
	if size < e.Size[0]-1e-9 {
		return nil, fault.Newf(fault.Invalid, "文字太长，卡面放不下（%d 字）", len([]rune(text)))
	}
	return e.place(size, lines), nil
}

// fit finds the fewest lines on which the text is as large as preferred, else the number
// of lines on which it is largest.
func (e *Element) fit(paragraphs [][]glyph) (size float64, lines [][]glyph) {
	for n := len(paragraphs); n <= e.Lines || n == len(paragraphs); n++ {
		s, l := e.fitLines(paragraphs, n)
		if s > size+1e-9 {
			size, lines = s, l
		}
		if size >= e.Prefer-1e-9 {
			break
		}
	}
	return size, lines
}

// fitLines is the largest size at which the text takes at most n lines of the box.
func (e *Element) fitLines(paragraphs [][]glyph, n int) (float64, [][]glyph) {
	width := e.Box[2] / mmPerPoint
	tallest := e.Box[3] / mmPerPoint / (float64(n-1)*e.LineHeight + 1)
	fits := func(size float64, soft bool) ([][]glyph, bool) {
		var lines [][]glyph
		for _, p := range paragraphs {
			l, ok := breakLines(p, width/size+1e-9, soft)
			if !ok {
				return nil, false
			}
			lines = append(lines, l...)
		}
		return lines, len(lines) <= n
	}
	largest := func(soft bool) float64 {
		lo, hi := 0.0, math.Min(e.Size[1], tallest)
		if _, ok := fits(hi, soft); ok {
			return hi
		}
		for range 30 {
			mid := (lo + hi) / 2
			if _, ok := fits(mid, soft); ok {
				lo = mid
			} else {
				hi = mid
			}
		}
		return lo
	}
	size, soft := largest(true), true
	if e.Balance && n > 1 {
		// A break after a middle dot is worth a little size.
		if dotted := largest(false); dotted >= 0.8*size {
			size, soft = dotted, false
		}
	}
	size = math.Floor(size*20) / 20
	if size <= 0 {
		return 0, nil
	}
	if e.Balance && n > 1 {
		lo, hi := 0.0, width/size
		for range 30 {
			mid := (lo + hi) / 2
			if l, ok := breakLines(paragraphs[0], mid, soft); ok && len(l) <= n && len(paragraphs) == 1 {
				hi = mid
			} else {
				lo = mid
			}
		}
		width = hi * size
	}
	lines, ok := fits(size, soft)
	if !ok {
		return 0, nil
	}
	return size, lines
}

// Punctuation that may not begin or end a line (GB/T 15834).
const (
	notFirst = "，。、；：？！”’）》】〉」』…·,.;:?!)]}%"
	notLast  = "“‘（《【〈「『([{"
)

// breakLines fills lines of a width in ems. soft allows breaks between any two Han
// characters; without it lines break only at spaces and after middle dots.
func breakLines(text []glyph, width float64, soft bool) ([][]glyph, bool) {
	var lines [][]glyph
	start, lastBreak, used := 0, -1, 0.0
	for i := 0; i < len(text); i++ {
		if i > start && mayBreak(text[i-1].r, text[i].r, soft) {
			lastBreak = i
		}
		used += text[i].width
		if used <= width || unicode.IsSpace(text[i].r) {
			continue
		}
		if lastBreak <= start {
			return nil, false
		}
		lines = append(lines, trimSpace(text[start:lastBreak]))
		i, start, used = lastBreak-1, lastBreak, 0
	}
	return append(lines, trimSpace(text[start:])), true
}

func mayBreak(before, after rune, soft bool) bool {
	if unicode.IsSpace(before) || before == '·' {
		return !unicode.IsSpace(after)
	}
	if !soft || unicode.IsSpace(after) || strings.ContainsRune(notFirst, after) || strings.ContainsRune(notLast, before) {
		return false
	}
	return before >= 0x2E80 || after >= 0x2E80
}

func trimSpace(g []glyph) []glyph {
	for len(g) > 0 && unicode.IsSpace(g[0].r) {
		g = g[1:]
	}
	for len(g) > 0 && unicode.IsSpace(g[len(g)-1].r) {
		g = g[:len(g)-1]
	}
	return g
}

// place turns lines into items.
func (e *Element) place(size float64, lines [][]glyph) []item {
	em := size * mmPerPoint
	y := e.Box[1]
	free := e.Box[3] - em*(float64(len(lines)-1)*e.LineHeight+1)
	switch e.VAlign {
	case "middle":
		y += free / 2
	case "bottom":
		y += free
	}
	var items []item
	for n, line := range lines {
		width := 0.0
		for _, g := range line {
			width += g.width * em
		}
		width -= e.Tracking * em
		x := e.Box[0]
		switch e.Align {
		case "center":
			x += (e.Box[2] - width) / 2
		case "right":
			x += e.Box[2] - width
		}
		baseline := y + em*(float64(n)*e.LineHeight+emAscent)
		for len(line) > 0 {
			run, w := 0, 0.0
			var b strings.Builder
			for run < len(line) && line[run].font == line[0].font {
				b.WriteRune(line[run].r)
				w += line[run].width * em
				run++
			}
			t := &textItem{
				Font: line[0].font, Size: size, Tracking: e.Tracking * size,
				X: round4(x), Y: round4(baseline), Color: e.color, Text: b.String(), Joined: len(items) > 0,
			}
			if e.Weight == "bold" && t.Font.ID != fonts.Bold {
				t.Embolden = embolden
			}
			items = append(items, item{text: t})
			x += w
			line = line[run:]
		}
	}
	return items
}

func round4(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// grouped sets a number in groups of four, as people read and type it.
func grouped(s string) string {
	if len(s) < 8 || strings.ContainsFunc(s, func(r rune) bool { return r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// date is a day as the card shows it, in the zone in which every date is meant.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(clock.Shanghai).Format("2006.01.02")
}
