package render_test

import (
	"testing"
	"time"

	"volcard/internal/render/rendertest"
)

// Each benchmark measures both sides in one run, by CPU time; Layout and QR count on ours.

// BenchmarkCardPDF is one card's PDF against plain gofpdf with the full fonts in each document.
func BenchmarkCardPDF(b *testing.B) {
	onFaces(b, func(c *rendertest.Cost) (time.Duration, time.Duration, error) { return c.Documents(10) })
}

// BenchmarkPrintFile is a card of a file of 500 against the same: a document of its own.
func BenchmarkPrintFile(b *testing.B) {
	onFaces(b, func(c *rendertest.Cost) (time.Duration, time.Duration, error) {
		ours, err := c.File(500)
		if err != nil {
			return 0, 0, err
		}
		_, plain, err := c.Documents(10)
		return ours, plain, err
	})
}

// BenchmarkPreview is the front as a JPEG at the default size against pdftoppm's PNG.
func BenchmarkPreview(b *testing.B) {
	onFaces(b, func(c *rendertest.Cost) (time.Duration, time.Duration, error) {
		return c.Previews(b.Context(), 10, b.TempDir(), "png")
	})
}

func onFaces(b *testing.B, measure func(c *rendertest.Cost) (ours, theirs time.Duration, err error)) {
	b.Helper()
	for _, face := range []string{"general", "huanghelou", "donghu"} {
		b.Run(face, func(b *testing.B) {
			c, err := rendertest.NewCost(face)
			if err != nil {
				b.Fatal(err)
			}
			var mine, theirs time.Duration
			n := 0
			for b.Loop() {
				ours, other, err := measure(c)
				if err != nil {
					b.Fatal(err)
				}
				mine, theirs, n = mine+ours, theirs+other, n+1
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }
			b.ReportMetric(ms(mine), "cpu-ms")
			b.ReportMetric(ms(theirs), "their-cpu-ms")
			b.ReportMetric(float64(theirs)/float64(mine), "times-less-cpu")
			if mine >= theirs {
				b.Errorf("no better than the plain way: %v against %v", mine, theirs)
			}
		})
	}
}
