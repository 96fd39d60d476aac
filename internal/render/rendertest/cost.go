package rendertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"volcard/internal/render"
	"volcard/templates/faces"
)

// Cost measures what cards cost beside what somebody would do instead, on one face.
type Cost struct {
	face  *render.Face
	plain *Plain
}

// NewCost prepares both sides and warms them, so that neither pays for its first time.
func NewCost(face string) (*Cost, error) {
	all, err := render.LoadFaces(faces.FS)
	if err != nil {
		return nil, err
	}
	c := &Cost{}
	if c.face, err = all.Face(face); err != nil {
		return nil, err
	}
	if c.plain, err = NewPlain(face); err != nil {
		return nil, err
	}
	if _, _, err = c.Documents(1); err != nil {
		return nil, err
	}
	list, err := render.Layout(c.face, c.Cards(1)[0])
	if err != nil {
		return nil, err
	}
	_, err = render.JPEG(list, render.Front, 0)
	return c, err
}

// usualQR is the length of a usual card's QR: 109 bytes in base32 behind an address of 20
// characters (docs/card-token.md).
const usualQR = 20 + 2 + 175

// Cards are n full cards, no two alike. Their photos differ in bytes and weigh about 40 KB.
func (c *Cost) Cards(n int) []render.CardData {
	var photos [8][]byte
	for i := range min(n, len(photos)) {
		photos[i] = Photo(uint64(i))
	}
	cards := make([]render.CardData, n)
	for i := range cards {
		d := Card(Names[(i+1)%2])
		d.CardNumber = fmt.Sprintf("4226%010d", i)
		d.QR = d.QR[:usualQR-10] + fmt.Sprintf("%010d", i)
		if c.face.Carries("regular") {
			d.Edition, d.VolunteerNo = "常规版", fmt.Sprintf("V%010d", i)
			d.Photo = commented(photos[i%len(photos)], i)
		}
		cards[i] = d
	}
	return cards
}

// commented is a JPEG with a number in a comment: other bytes, the same picture.
func commented(photo []byte, number int) []byte {
	return append([]byte{photo[0], photo[1], 0xFF, 0xFE, 0, 10}, append(fmt.Appendf(nil, "%08d", number), photo[2:]...)...)
}

// Print makes one print file of cards.
func (c *Cost) Print(cards []render.CardData) ([]byte, error) {
	lists := make([]*render.DisplayList, len(cards))
	for i, d := range cards {
		var err error
		if lists[i], err = render.Layout(c.face, d); err != nil {
			return nil, err
		}
	}
	return render.PDF(render.PDFOptions{CropMarks: true, Date: cards[0].IssuedOn}, lists...)
}

// File is the CPU time for each card of one print file of n.
func (c *Cost) File(n int) (time.Duration, error) {
	cards := c.Cards(n)
	var err error
	spent := fromEmptyHeap(func() { _, err = c.Print(cards) })
	return spent / time.Duration(n), err
}

// Documents is the CPU time for each of n documents of one card: ours, and plain gofpdf's
// with the whole fonts in each.
func (c *Cost) Documents(n int) (ours, plain time.Duration, err error) {
	cards := c.Cards(n)
	each := func(make func(d render.CardData) error) time.Duration {
		return fromEmptyHeap(func() {
			for _, d := range cards {
				if err == nil {
					err = make(d)
				}
			}
		}) / time.Duration(n)
	}
	ours = each(func(d render.CardData) error {
		list, err := render.Layout(c.face, d)
		if err == nil {
			_, err = render.PDF(render.PDFOptions{Date: d.IssuedOn}, list)
		}
		return err
	})
	plain = each(func(d render.CardData) error {
		_, err := c.plain.PDF(d)
		return err
	})
	return ours, plain, err
}

// Previews is the CPU time for each of n preview pictures of a front, as applicants see
// them before a card has a number and a QR, as a JPEG, and of
// pdftoppm for the same page at the same resolution in a format of its own: png or jpeg.
func (c *Cost) Previews(ctx context.Context, n int, dir, format string) (ours, poppler time.Duration, err error) {
	cards := c.Cards(n)
	ours = fromEmptyHeap(func() {
		for _, d := range cards {
			list, e := render.Layout(c.face, d.Preview())
			if e == nil {
				_, e = render.JPEG(list, render.Front, 0)
			}
			if e != nil {
				err = e
			}
		}
	}) / time.Duration(n)
	if err != nil {
		return 0, 0, err
	}
	for i, d := range cards {
		list, err := render.Layout(c.face, d.Preview())
		if err != nil {
			return 0, 0, err
		}
		file, err := render.PDF(render.PDFOptions{Date: d.IssuedOn}, list)
		if err != nil {
			return 0, 0, err
		}
		name := filepath.Join(dir, fmt.Sprintf("card-%d.pdf", i))
		if err := os.WriteFile(name, file, 0o600); err != nil {
			return 0, 0, err
		}
		cmd := exec.CommandContext(ctx, "pdftoppm", "-"+format, "-r", "300", "-f", "1", "-l", "1", name, filepath.Join(dir, "page")) //nolint:gosec // our own files
		if err := cmd.Run(); err != nil {
			return 0, 0, fmt.Errorf("rendertest: pdftoppm: %w", err)
		}
		poppler += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return ours, poppler / time.Duration(n), nil
}

// fromEmptyHeap measures f so that it pays for its own garbage and for nobody else's.
func fromEmptyHeap(f func()) time.Duration {
	runtime.GC()
	return CPU(f)
}
