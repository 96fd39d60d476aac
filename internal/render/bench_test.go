package render_test

import (
	"testing"
	"time"

	"volcard/internal/render"
	"volcard/internal/render/fonts"
	"volcard/internal/render/rendertest"
)

// BenchmarkCardPDF compares one card's PDF with plain gofpdf and the full font in each
// document, both in one run, by CPU time. The card's layout and QR count on our side.
func BenchmarkCardPDF(b *testing.B) {
	face := generalFace(b)
	font, err := fonts.Data(fonts.Regular)
	if err != nil {
		b.Fatal(err)
	}
	data := rendertest.Card("阿卜杜热合曼·买买提")
	ours := func() {
		list, err := render.Layout(face, data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := render.PDF(render.PDFOptions{Date: data.IssuedOn}, list); err != nil {
			b.Fatal(err)
		}
	}
	plain := func() {
		if _, err := rendertest.PlainPDF(font, data); err != nil {
			b.Fatal(err)
		}
	}
	ours()
	plain()
	var mine, theirs time.Duration
	n := 0
	for b.Loop() {
		mine += rendertest.CPU(ours)
		theirs += rendertest.CPU(plain)
		n++
	}
	report(b, mine, theirs, n)
}

// BenchmarkPrintFile is the CPU time of one card in a file of 500.
func BenchmarkPrintFile(b *testing.B) {
	face := generalFace(b)
	data := rendertest.Card("王小明")
	const cards = 500
	var mine time.Duration
	n := 0
	for b.Loop() {
		mine += rendertest.CPU(func() {
			lists := make([]*render.DisplayList, cards)
			for i := range lists {
				var err error
				if lists[i], err = render.Layout(face, data); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := render.PDF(render.PDFOptions{Date: data.IssuedOn, CropMarks: true}, lists...); err != nil {
				b.Fatal(err)
			}
		})
		n += cards
	}
	b.ReportMetric(float64(mine.Microseconds())/1000/float64(n), "cpu-ms/card")
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

func report(b *testing.B, mine, theirs time.Duration, n int) {
	b.ReportMetric(float64(mine.Microseconds())/1000/float64(n), "cpu-ms/card")
	b.ReportMetric(float64(theirs.Microseconds())/1000/float64(n), "plain-cpu-ms/card")
	b.ReportMetric(float64(theirs)/float64(mine), "times-less-cpu")
}
