package render_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"volcard/internal/render"
	"volcard/internal/render/rendertest"
)

// BenchmarkCardPDF compares one card's PDF with plain gofpdf and the full fonts in each
// document, both in one run, by CPU time. The card's layout and QR count on our side.
func BenchmarkCardPDF(b *testing.B) {
	compare(b, 1)
}

// BenchmarkPrintFile does so for a file of 500 different cards, where plain gofpdf has
// spread its fonts' price.
func BenchmarkPrintFile(b *testing.B) {
	compare(b, 500)
}

func compare(b *testing.B, cards int) {
	b.Helper()
	face := generalFace(b)
	usual, err := rendertest.NewPlain()
	if err != nil {
		b.Fatal(err)
	}
	data := make([]render.CardData, cards)
	for i := range data {
		data[i] = rendertest.Card(rendertest.Names[(i+1)%2])
		data[i].CardNumber = fmt.Sprintf("4226%010d", i)
		data[i].QR = data[i].QR[:len(data[i].QR)-10] + fmt.Sprintf("%010d", i)
	}
	o := render.PDFOptions{Date: data[0].IssuedOn}
	ours := func() {
		lists := make([]*render.DisplayList, cards)
		for i, d := range data {
			if lists[i], err = render.Layout(face, d); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := render.PDF(o, lists...); err != nil {
			b.Fatal(err)
		}
	}
	plain := func() {
		if _, err := usual.PDF(data...); err != nil {
			b.Fatal(err)
		}
	}
	ours()
	plain()
	// Rounds of some documents, from an empty heap: each side pays for its own garbage.
	rounds := 1 + 10/cards
	times := func(f func()) time.Duration {
		runtime.GC()
		return rendertest.CPU(func() {
			for range rounds {
				f()
			}
		})
	}
	var mine, theirs time.Duration
	n := 0
	for b.Loop() {
		mine += times(ours)
		theirs += times(plain)
		n += cards * rounds
	}
	b.ReportMetric(float64(mine.Microseconds())/1000/float64(n), "cpu-ms/card")
	b.ReportMetric(float64(theirs.Microseconds())/1000/float64(n), "plain-cpu-ms/card")
	b.ReportMetric(float64(theirs)/float64(mine), "times-less-cpu")
}

// BenchmarkPreview is one side as a JPEG at the default size.
func BenchmarkPreview(b *testing.B) {
	list := layout(b, rendertest.Card("阿卜杜热合曼·买买提"))
	var mine time.Duration
	n := 0
	for b.Loop() {
		mine += rendertest.CPU(func() {
			if _, err := render.JPEG(list, render.Front, 0); err != nil {
				b.Fatal(err)
			}
		})
		n++
	}
	b.ReportMetric(float64(mine.Microseconds())/1000/float64(n), "cpu-ms/picture")
}
