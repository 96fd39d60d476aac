// Package pdf writes the bytes of a PDF file: objects, streams, embedded TrueType fonts
// and the cross-reference table. What stands on the pages is its caller's matter.
//
// It exists because the libraries at hand parse a whole font twice for each document and
// break on characters above U+FFFF; here a card costs a tenth of that, text is a list of
// glyph numbers, and every font says which characters its glyphs mean, so that a name
// can be searched and copied with its true code points.
package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"volcard/internal/render/fonts"
)

// Ref is the number of an object.
type Ref int

func (r Ref) String() string { return strconv.Itoa(int(r)) + " 0 R" }

// Writer gathers a document. The zero Writer is ready for use.
type Writer struct {
	buf     bytes.Buffer
	offsets []int // by object number; 0 where it was only reserved
	pages   []Ref
	tree    Ref
}

// Reserve takes an object number that is written later.
func (w *Writer) Reserve() Ref {
	if w.buf.Len() == 0 {
		w.buf.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
		w.offsets = []int{0}
	}
	w.offsets = append(w.offsets, 0)
	return Ref(len(w.offsets) - 1)
}

// Put writes an object under a reserved number.
func (w *Writer) Put(r Ref, body string) {
	w.offsets[r] = w.buf.Len()
	fmt.Fprintf(&w.buf, "%d 0 obj\n%s\nendobj\n", r, body)
}

// Add writes an object.
func (w *Writer) Add(body string) Ref {
	r := w.Reserve()
	w.Put(r, body)
	return r
}

// Stream is a ready stream: its dictionary entries and its bytes as they stand in the file.
type Stream struct {
	Dict string
	Data []byte
}

// Deflate makes a compressed stream.
func Deflate(dict string, data []byte) Stream {
	var out bytes.Buffer
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(&out)
	// Writes to a buffer do not fail.
	_, _ = z.Write(data)
	_ = z.Close()
	return Stream{Dict: dict + " /Filter /FlateDecode", Data: out.Bytes()}
}

// deflaters are kept: a new one costs more than a card's pages.
var deflaters = sync.Pool{New: func() any {
	z, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	return z
}}

// AddStream writes a stream object.
func (w *Writer) AddStream(s Stream) Ref {
	r := w.Reserve()
	w.offsets[r] = w.buf.Len()
	fmt.Fprintf(&w.buf, "%d 0 obj\n<< %s /Length %d >>\nstream\n", r, s.Dict, len(s.Data))
	w.buf.Write(s.Data)
	w.buf.WriteString("\nendstream\nendobj\n")
	return r
}

// Box is a rectangle in points, from the page's lower left corner.
type Box struct{ X0, Y0, X1, Y1 float64 }

func (b Box) String() string {
	return "[" + Num(b.X0) + " " + Num(b.Y0) + " " + Num(b.X1) + " " + Num(b.Y1) + "]"
}

// AddPage writes a page with its compressed content and the resources it uses.
func (w *Writer) AddPage(media, bleed, trim Box, content []byte, resources string) {
	if w.tree == 0 {
		w.tree = w.Reserve()
	}
	stream := w.AddStream(Deflate("", content))
	w.pages = append(w.pages, w.Add(fmt.Sprintf("<< /Type /Page /Parent %v /MediaBox %v /BleedBox %v /TrimBox %v /Resources %s /Contents %v >>",
		w.tree, media, bleed, trim, resources, stream)))
}

// AddFont embeds a font file. Text in it is two bytes a glyph, the glyph's number.
func (w *Writer) AddFont(f fonts.File) Ref {
	sum := sha256.Sum256(f.TTF)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	name := string(tag) + "+Volcard"
	file := w.AddStream(Deflate("/Length1 "+strconv.Itoa(len(f.TTF)), f.TTF))
	descriptor := w.Add(fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %v >>",
		name, f.Box[0], f.Box[1], f.Box[2], f.Box[3], f.Ascent, f.Descent, f.CapHeight, file))
	var widths strings.Builder
	for _, v := range f.Widths {
		widths.WriteString(strconv.Itoa(v))
		widths.WriteByte(' ')
	}
	cid := w.Add(fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %v /CIDToGIDMap /Identity /DW 1000 /W [0 [%s]] >>",
		name, descriptor, widths.String()))
	unicode := w.AddStream(Deflate("", toUnicode(f.Runes)))
	return w.Add(fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%v] /ToUnicode %v >>", name, cid, unicode))
}

// toUnicode tells which characters the glyphs mean, in blocks of at most a hundred as
// Adobe's technical note 5411 asks.
func toUnicode(runes []rune) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for from := 1; from < len(runes); from += 100 {
		to := min(from+100, len(runes))
		fmt.Fprintf(&b, "%d beginbfchar\n", to-from)
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "<%04X> <", i)
			for _, unit := range utf16.AppendRune(nil, runes[i]) {
				fmt.Fprintf(&b, "%04X", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend")
	return b.Bytes()
}

// Close ends the document. The file's ID comes from its content, so equal input gives
// equal bytes.
func (w *Writer) Close(title string, date time.Time) []byte {
	kids := strings.Trim(fmt.Sprint(w.pages), "[]")
	w.Put(w.tree, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(w.pages), kids))
	stamp := "D:" + date.UTC().Format("20060102150405") + "Z"
	info := w.Add(fmt.Sprintf("<< /Title %s /Producer (volcard) /CreationDate (%s) /ModDate (%s) >>", text(title), stamp, stamp))
	root := w.Add(fmt.Sprintf("<< /Type /Catalog /Pages %v /Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >> >>", w.tree))
	sum := sha256.Sum256(w.buf.Bytes())
	start := w.buf.Len()
	fmt.Fprintf(&w.buf, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets))
	for _, o := range w.offsets[1:] {
		fmt.Fprintf(&w.buf, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&w.buf, "trailer\n<< /Size %d /Root %v /Info %v /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(w.offsets), root, info, sum[:16], sum[:16], start)
	return w.buf.Bytes()
}

// text is a text string: UTF-16 with a byte order mark, in hexadecimal.
func text(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	b.WriteByte('>')
	return b.String()
}

// Num is a number to a thousandth, without needless zeros.
func Num(v float64) string { return string(AppendNum(nil, v)) }

// AppendNum appends what Num returns.
func AppendNum(b []byte, v float64) []byte {
	from := len(b)
	b = strconv.AppendFloat(b, v, 'f', 3, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if string(b[from:]) == "-0" {
		b = append(b[:from], '0')
	}
	return b
}
