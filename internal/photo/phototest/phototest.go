// Package phototest makes uploads for tests and measurements out of a few free pictures: good
// ones, sideways ones, and those that the gate should see something in. README.md names sources.
package phototest

import (
	"bytes"
	"embed"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"

	"golang.org/x/image/draw"
)

//go:embed *.jpg
var files embed.FS

// Good is an upload without fault, 780 × 900 pixels.
func Good() []byte { return JPEG(Astronaut()) }

// Doubtful is an upload that goes to a reviewer: the face is a little out of focus.
func Doubtful() []byte { return JPEG(Blur(Astronaut(), 8)) }

// Refused is an upload that the gate sends back: it shows two people.
func Refused() []byte { return JPEG(Beside(Portrait(), Portrait())) }

// Phone is an upright photo of 12 megapixels with a sensor's grain.
func Phone() []byte { return JPEG(grainy()) }

// SidewaysPhone is the same as phones store it when held upright: the pixels lie on their side,
// EXIF tells so, and where it was taken as well.
func SidewaysPhone() []byte { return Oriented(grainy(), 6) }

// Astronaut has one face before a calm background, 780 × 900 pixels.
func Astronaut() *image.RGBA { return whole(astronaut()) }

// AstronautWide is the whole picture, with a flag and a rocket beside the astronaut.
func AstronautWide() *image.RGBA { return Scale(read("astronaut.jpg"), 1536, 1536) }

// Portrait has one face before a white wall, 960 × 1200 pixels.
func Portrait() *image.RGBA { return whole(portrait()) }

// Cat has no face that a card takes, although the finder has its thoughts; 1200 × 798 pixels.
func Cat() *image.RGBA { return Scale(read("cat.jpg"), 1200, 798) }

// Many tests stand on these two, each on a copy of its own.
var (
	astronaut = sync.OnceValue(func() *image.RGBA {
		return Scale(Part(read("astronaut.jpg"), image.Rect(110, 0, 370, 300)), 780, 900)
	})
	portrait = sync.OnceValue(func() *image.RGBA { return Scale(read("portrait.jpg"), 960, 1200) })
)

func whole(img *image.RGBA) *image.RGBA { return Part(img, img.Bounds()) }

// PortraitFile is a file as it was found: progressive, with a colour profile and a thumbnail.
func PortraitFile() []byte {
	raw, err := files.ReadFile("portrait.jpg")
	must(err)
	return raw
}

func read(name string) image.Image {
	raw, err := files.ReadFile(name)
	must(err)
	img, err := jpeg.Decode(bytes.NewReader(raw))
	must(err)
	return img
}

// must is for what cannot fail: the files are part of the program.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func grainy() *image.RGBA {
	img := Scale(Astronaut(), 3024, 4032)
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = byte(min(max(int(img.Pix[i])+(i*2654435761>>13)%9-4, 0), 255))
		}
	}
	return img
}

// JPEG encodes a picture as a camera does.
func JPEG(img image.Image) []byte {
	var out bytes.Buffer
	must(jpeg.Encode(&out, img, &jpeg.Options{Quality: 92}))
	return out.Bytes()
}

// PNG encodes a picture without loss.
func PNG(img image.Image) []byte {
	var out bytes.Buffer
	must((&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img))
	return out.Bytes()
}

// Part copies a rectangle of a picture; what lies outside is white.
func Part(img image.Image, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	inside := img.Bounds().Intersect(r)
	draw.Draw(out, inside.Sub(r.Min), img, inside.Min, draw.Src)
	return out
}

// Scale resizes a picture.
func Scale(img image.Image, width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}

// Blur takes detail finer than so many pixels away.
func Blur(img *image.RGBA, pixels int) *image.RGBA {
	b := img.Bounds()
	small := image.NewRGBA(image.Rect(0, 0, b.Dx()/pixels, b.Dy()/pixels))
	draw.BiLinear.Scale(small, small.Bounds(), img, b, draw.Src, nil)
	return Scale(small, b.Dx(), b.Dy())
}

// Map changes the brightness of every channel.
func Map(img *image.RGBA, f func(v float64) float64) *image.RGBA {
	out := image.NewRGBA(img.Bounds())
	for i, v := range img.Pix {
		out.Pix[i] = v
		if i%4 != 3 {
			out.Pix[i] = byte(min(max(f(float64(v)), 0), 255))
		}
	}
	return out
}

// Beside puts pictures next to each other.
func Beside(left, right image.Image) *image.RGBA {
	l, r := left.Bounds(), right.Bounds()
	out := Part(left, image.Rect(0, 0, l.Dx()+r.Dx(), max(l.Dy(), r.Dy())))
	draw.Draw(out, r.Add(image.Pt(l.Dx(), 0)), right, r.Min, draw.Src)
	return out
}

// Stored lays an upright picture down as a camera with this EXIF orientation stores it.
func Stored(img *image.RGBA, orientation int) *image.RGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			// Where the camera puts the pixel that is seen at x, y, by the table of EXIF 2.3.
			at := [...]image.Point{
				1: {x, y}, 2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {y, w - 1 - x}, 7: {h - 1 - y, w - 1 - x}, 8: {h - 1 - y, x},
			}[orientation]
			out.SetRGBA(at.X, at.Y, img.RGBAAt(x, y))
		}
	}
	return out
}

// Latitude is what the GPS tag of Oriented says, as it stands in the file.
const Latitude = "30.5928 N, here"

// Oriented is Stored as a JPEG, with an EXIF segment that tells the orientation and a place.
func Oriented(img *image.RGBA, orientation int) []byte {
	order := binary.BigEndian
	tiff := append([]byte("MM\x00*"), 0, 0, 0, 8)
	entry := func(tag, kind uint16, n, value uint32) {
		tiff = order.AppendUint16(order.AppendUint16(tiff, tag), kind)
		tiff = order.AppendUint32(order.AppendUint32(tiff, n), value)
	}
	tiff = order.AppendUint16(tiff, 2)
	entry(0x0112, 3, 1, uint32(orientation)<<16)
	entry(0x8825, 4, 1, 38) // the GPS directory
	tiff = order.AppendUint32(tiff, 0)
	tiff = order.AppendUint16(tiff, 1)
	entry(0x001c, 7, uint32(len(Latitude)), 56)
	tiff = order.AppendUint32(tiff, 0)
	return WithSegment(JPEG(Stored(img, orientation)), 0xe1, append([]byte("Exif\x00\x00"), append(tiff, Latitude...)...))
}

// WithSegment puts a segment at the beginning of a JPEG.
func WithSegment(raw []byte, marker byte, body []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return bytes.Join([][]byte{raw[:2], segment, body, raw[2:]}, nil)
}
