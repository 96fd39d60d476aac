package render

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"volcard/internal/render/fonts"
)

// amend mends what gofpdf cannot be told: it says what the fonts' codes mean, so that a
// name can be searched, copied and read aloud with its true code points; it packs the
// pages; it puts photos where their marks stand; and it puts in order what gofpdf writes in the order of Go's maps, so that equal
// input gives equal bytes.
func amend(file []byte, subset *fonts.Subset, photos map[string][]byte) ([]byte, error) {
	d, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	meanings := map[string][]byte{}
	for i := range subset.Fonts() {
		meanings[fmt.Sprintf(encoding, fontName(i))] = toUnicode(subset, i)
	}
	named, placed := 0, 0
	for n, body := range d.objects {
		text, plain := plainStream(body)
		if meaning, ok := meanings[string(body)]; ok {
			text, plain = meaning, true
			delete(meanings, string(body))
		}
		photo := photoOf(photos, body)
		switch {
		case photo != nil:
			placed++
		case plain:
			body = stream("", text)
		case bytes.HasPrefix(body, []byte("<</Type /Page\n")):
			body, err = sortedLines(body, "/Parent 1 0 R\n", "/Resources ")
		case bytes.HasPrefix(body, []byte("<</Type /Font\n")):
			body = bytes.Replace(body, []byte("\n/Encoding "), []byte("\n/ToUnicode "), 1)
			named++
		case bytes.HasPrefix(body, []byte("<<\n/Type /Catalog\n")):
			body = bytes.Replace(body, []byte("/Type /Catalog\n"),
				[]byte("/Type /Catalog\n/Lang (zh-CN)\n/ViewerPreferences <</DisplayDocTitle true>>\n"), 1)
		}
		if err != nil {
			return nil, err
		}
		d.objects[n] = body
	}
	if len(meanings) > 0 || named != subset.Fonts() || placed != len(photos) {
		return nil, errShape
	}
	if err := d.orderResources(); err != nil {
		return nil, err
	}
	return d.bytes(photos), nil
}

// encoding is the object that gofpdf writes for a font's own encoding.
const encoding = "<</Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [%s]>>\nendobj\n"

// longestMark is above the length of any photo's mark.
const longestMark = 64

// photoOf returns the photo whose mark is an object.
func photoOf(photos map[string][]byte, object []byte) []byte {
	return photos[string(bytes.TrimRight(object[:min(len(object), longestMark)], "\n"))]
}

// imageHead and imageTail stand around a photo as it is: a PDF takes a JPEG's own bytes.
const (
	imageHead = "<</Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 " +
		"/Filter /DCTDecode /Length %d>>\nstream\n"
	imageTail = "\nendstream\nendobj\n"
)

var errShape = errors.New("render: gofpdf's file has an unknown shape")

// document is a file taken apart: the bodies of its objects with their endobj, by number.
type document struct {
	objects map[int][]byte
	trailer string // its dictionary's entries
}

// resources is the number of the dictionary that all of gofpdf's pages share.
const resources = 2

func readDocument(file []byte) (*document, error) {
	at := bytes.LastIndex(file, []byte("startxref\n"))
	if at < 0 {
		return nil, errShape
	}
	number, _, _ := strings.Cut(string(file[at+len("startxref\n"):]), "\n")
	start, err := strconv.Atoi(number)
	if err != nil || start < 0 || start > at {
		return nil, errShape
	}
	table, trailer, found := strings.Cut(string(file[start:at]), "trailer\n<<\n")
	trailer, closed := strings.CutSuffix(trailer, ">>\n")
	rows := strings.Split(table, "\n")
	if !found || !closed || len(rows) < 4 || rows[0] != "xref" {
		return nil, errShape
	}
	type place struct{ n, at int }
	var places []place
	for i, row := range rows[3 : len(rows)-1] {
		offset, _, _ := strings.Cut(row, " ")
		v, err := strconv.Atoi(offset)
		if err != nil {
			return nil, errShape
		}
		places = append(places, place{i + 1, v})
	}
	slices.SortFunc(places, func(a, b place) int { return a.at - b.at })
	d := &document{objects: make(map[int][]byte, len(places)), trailer: trailer}
	for i, p := range places {
		end := start
		if i+1 < len(places) {
			end = places[i+1].at
		}
		head := strconv.Itoa(p.n) + " 0 obj\n"
		if p.at > end || end > len(file) || !bytes.HasPrefix(file[p.at:end], []byte(head)) || !bytes.HasSuffix(bytes.TrimRight(file[p.at:end], "\n"), []byte("endobj")) {
			return nil, errShape
		}
		d.objects[p.n] = file[p.at+len(head) : end : end]
	}
	return d, nil
}

// plainStream is the content of a stream without any filter: a page.
func plainStream(body []byte) (data []byte, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte("<</Length "))
	if !ok {
		return nil, false
	}
	number, rest, _ := bytes.Cut(rest, []byte(">>\nstream\n"))
	size, err := strconv.Atoi(string(number))
	if err != nil || size < 0 || size > len(rest) {
		return nil, false
	}
	return rest[:size], true
}

// sortedLines sorts the lines of a body that stand between two marks.
func sortedLines(body []byte, from, to string) ([]byte, error) {
	before, rest, found := bytes.Cut(body, []byte(from))
	middle, after, closed := bytes.Cut(rest, []byte(to))
	if !found || !closed {
		return nil, errShape
	}
	lines := slices.Sorted(strings.Lines(string(middle)))
	return slices.Concat(before, []byte(from), []byte(strings.Join(lines, "")), []byte(to), after), nil
}

// orderResources numbers photos and art by their names. Nothing but the resources
// speaks of them.
func (d *document) orderResources() error {
	const begin, end = "/XObject <<\n", ">>\n"
	before, rest, found := strings.Cut(string(d.objects[resources]), begin)
	entries, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return errShape
	}
	type entry struct {
		name string
		n    int
	}
	var named []entry
	old := map[int][]byte{}
	for line := range strings.Lines(entries) {
		var e entry
		if _, err := fmt.Sscanf(line, "%s %d 0 R\n", &e.name, &e.n); err != nil || d.objects[e.n] == nil {
			return errShape
		}
		named = append(named, e)
		old[e.n] = d.objects[e.n]
	}
	slices.SortFunc(named, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	free := slices.Sorted(maps.Keys(old))
	moved := map[int]int{}
	var out strings.Builder
	for _, e := range named {
		n, ok := moved[e.n]
		if !ok {
			n, free = free[0], free[1:]
			moved[e.n] = n
			d.objects[n] = old[e.n]
		}
		fmt.Fprintf(&out, "%s %d 0 R\n", e.name, n)
	}
	d.objects[resources] = []byte(before + begin + out.String() + end + after)
	return nil
}

// bytes puts the document together again, photos in the places of their marks. Its ID comes from its content.
func (d *document) bytes(photos map[string][]byte) []byte {
	size := 1000
	for _, body := range d.objects {
		size += len(body) + 40
	}
	for _, photo := range photos {
		size += len(photo) + len(imageHead) + len(imageTail) + 20
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	table := make([]byte, 0, 20*len(d.objects))
	for n := 1; n <= len(d.objects); n++ {
		table = fmt.Appendf(table, "%010d 00000 n \n", out.Len())
		fmt.Fprintf(out, "%d 0 obj\n", n)
		if photo := photoOf(photos, d.objects[n]); photo != nil {
			fmt.Fprintf(out, imageHead, PhotoWidth, PhotoHeight, len(photo))
			out.Write(photo)
			out.WriteString(imageTail)
			continue
		}
		out.Write(d.objects[n])
	}
	sum := sha256.Sum256(out.Bytes())
	start := out.Len()
	fmt.Fprintf(out, "xref\n0 %d\n0000000000 65535 f \n%strailer\n<<\n%s/ID [<%x> <%x>]\n>>\nstartxref\n%d\n%%%%EOF\n",
		len(d.objects)+1, table, d.trailer, sum[:16], sum[:16], start)
	return out.Bytes()
}
