package photo

import (
	"bytes"
	"image/jpeg"
	"testing"

	"volcard/internal/photo/phototest"
)

// BenchmarkMake and BenchmarkDecode are the two sides of the row "12-megapixel photo" of bench/.
func BenchmarkMake(b *testing.B) {
	raw := phototest.Phone()
	for b.Loop() {
		if _, err := Make(b.Context(), raw, Crop{X: 100, Y: 50, W: 2800, H: 3920}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMakeUncropped also chooses the crop.
func BenchmarkMakeUncropped(b *testing.B) {
	raw := phototest.Phone()
	for b.Loop() {
		if _, err := Make(b.Context(), raw, Crop{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := phototest.Phone()
	for b.Loop() {
		if _, err := jpeg.Decode(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}
