package photo

import (
	"bytes"
	"image"
	"image/jpeg"
)

// maxJPEG is what a photo may weigh in the database and in the print file.
const maxJPEG = 60 << 10

// jfif is the segment that says 300 dots per inch, which image/jpeg does not write.
var jfif = []byte{
	0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1,
	1, DPI >> 8, DPI & 255, DPI >> 8, DPI & 255, 0, 0,
}

// encode writes baseline JPEG, as good as fits.
func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	for quality := 92; ; quality -= 8 {
		out.Reset()
		if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if out.Len()+len(jfif) <= maxJPEG || quality <= 50 {
			break
		}
	}
	const start = 2 // the marker that begins a JPEG
	return bytes.Join([][]byte{out.Bytes()[:start], jfif, out.Bytes()[start:]}, nil), nil
}
