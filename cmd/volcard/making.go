package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"volcard/activities"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
)

// designs lays regular cards out: cardstore.Designs on the faces at hand.
type designs struct{ faces render.Faces }

// Offered implements cardstore.Designs.
func (d designs) Offered(face string) bool {
	for _, name := range d.faces.Names(string(card.Regular)) {
		if name == face {
			return true
		}
	}
	return false
}

// titles are the names of the faces that are offered, as people read them.
func (d designs) titles() []string {
	var titles []string
	for _, name := range d.faces.Names(string(card.Regular)) {
		if face, err := d.faces.Face(name); err == nil {
			titles = append(titles, face.Title)
		}
	}
	return titles
}

// Hash implements cardstore.Designs.
func (d designs) Hash(in cardstore.Design) ([32]byte, error) {
	list, err := d.Preview(in)
	if err != nil {
		return [32]byte{}, err
	}
	return list.Hash(), nil
}

// Preview is what the pages draw: the display list whose hash is confirmed.
func (d designs) Preview(in cardstore.Design) (*render.DisplayList, error) {
	return d.layout(in.Face, previewOf(in.HolderName, in.VolunteerNo, in.Photo))
}

func (d designs) layout(name string, data render.CardData) (*render.DisplayList, error) {
	face, err := d.faces.Face(name)
	if err != nil {
		return nil, err
	}
	return render.Layout(face, data)
}

// previewOf is the card as it is confirmed: before number, QR and dates exist. A name that no font can
// draw is left out; a person decides about it.
func previewOf(name, volunteerNo string, photo []byte) render.CardData {
	if len(render.Missing(name)) > 0 {
		name = ""
	}
	return render.CardData{Edition: card.Regular.Text(), HolderName: name, VolunteerNo: volunteerNo, Photo: photo}
}

// printer draws the files of a factory: activities.Printer.
type printer struct {
	designs designs
	baseURL *url.URL
	clock   clock.Clock
}

// Print implements activities.Printer. Each card is laid out twice: as it was confirmed, to compare the
// hashes, and as it is printed. What is wrong with one card never keeps the others from being printed.
func (p printer) Print(ctx context.Context, cards []batchstore.Card, progress func()) (activities.PrintFile, error) {
	file := activities.PrintFile{Hashes: map[int][32]byte{}}
	var lists []*render.DisplayList
	for _, c := range cards {
		if err := ctx.Err(); err != nil {
			return file, err
		}
		progress()
		list, err := p.layout(c)
		if err != nil && !unprintable(err) {
			return file, err
		}
		if list == nil {
			file.Rejected = append(file.Rejected, c.Seq)
			continue
		}
		file.Hashes[c.Seq] = list.Hash()
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return file, nil
	}
	var err error
	file.PDF, err = render.PDF(render.PDFOptions{CropMarks: true, Date: p.clock.Now(), Title: "湖北省注册志愿者证 常规版"}, lists...)
	return file, err
}

// unprintable tells whether a layout failed by what stands on its card: a face that is gone, a photo that
// cannot be used, a text that does not fit. No retry mends that; its applicant can, by confirming again.
func unprintable(err error) bool {
	return fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)
}

// layout is the card as it is printed; nil where it is not the one that was confirmed.
func (p printer) layout(c batchstore.Card) (*render.DisplayList, error) {
	confirmed, err := p.designs.layout(c.Face, previewOf(c.HolderName, c.VolunteerNo, c.Photo))
	if err != nil {
		return nil, err
	}
	if hash := confirmed.Hash(); !bytes.Equal(hash[:], c.DesignHash) {
		return nil, nil
	}
	return p.designs.layout(c.Face, render.CardData{
		Edition: card.Regular.Text(), HolderName: c.HolderName, CardNumber: c.Number, VolunteerNo: c.VolunteerNo,
		IssuedOn: c.IssuedAt, ExpiresOn: c.ExpiresAt, QR: credential.URL(p.baseURL, c.Token), Photo: c.Photo,
	})
}

// Manifest implements activities.Printer: CSV in UTF-8 with a byte order mark, for spreadsheets.
func (p printer) Manifest(lines []batchstore.Line) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write([]string{"序号", "证号", "姓名", "生僻字码位", "领卡网点", "内容SHA-256"})
	for _, l := range lines {
		// A tab keeps a spreadsheet from turning the number into 4.2E+13.
		err := w.Write([]string{strconv.Itoa(l.Seq), l.Number + "\t", plain(l.HolderName), codePoints(l.HolderName), plain(l.Branch), hex.EncodeToString(l.PrintHash)})
		if err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// plain keeps a cell from being a formula.
func plain(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// codePoints names the rare characters of a name, so that a font that lacks one is noticed.
func codePoints(name string) string {
	rare := render.RareRunes(name)
	cells := make([]string, len(rare))
	for i, r := range rare {
		cells[i] = fmt.Sprintf("%c U+%04X", r, r)
	}
	return strings.Join(cells, " ")
}

// calendarLife is how soon an imported calendar is in force everywhere.
const calendarLife = 10 * time.Second

// calendars keeps the calendar in force at hand: deeds ask for it inside their transaction, and one that had to
// wait for a second connection there could wait for itself.
type calendars struct {
	years calendarstore.Years
	now   atomic.Pointer[calendar.Calendar]
}

func (c *calendars) get(ctx context.Context) (*calendar.Calendar, error) {
	if cal := c.now.Load(); cal != nil {
		return cal, nil
	}
	return c.load(ctx)
}

func (c *calendars) load(ctx context.Context) (*calendar.Calendar, error) {
	cal, _, err := c.years.Load(ctx)
	if err == nil {
		c.now.Store(cal)
	}
	return cal, err
}

// newest counts dates by the calendar that was imported a moment ago.
func (c *calendars) newest(r cardstore.Regular) cardstore.Regular {
	r.Calendar = c.load
	return r
}

// run follows imports until ctx ends. Where the database is away, the last calendar known serves.
func (c *calendars) run(ctx context.Context) {
	tick := time.NewTicker(calendarLife)
	defer tick.Stop()
	for {
		_, _ = c.load(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
