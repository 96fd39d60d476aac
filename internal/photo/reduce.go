package photo

import (
	"image"
	"image/color"
)

// grey is a picture of brightness.
type grey struct {
	pix           []byte
	width, height int
}

func newGrey(width, height int) grey {
	return grey{pix: make([]byte, width*height), width: width, height: height}
}

// spans are the ranges of source pixels that are averaged along one axis: n ranges of f pixels
// from the first on, in a plane that has one sample for every step pixels and none from end on.
func spans(first, n, f, step, end int) [][2]int {
	list := make([][2]int, n)
	for i := range list {
		from := min((first+i*f)/step, end-1)
		list[i] = [2]int{from, min(max((first+(i+1)*f)/step, from+1), end)}
	}
	return list
}

// average makes one byte of each box of a plane.
func average(plane []byte, stride int, across, down [][2]int, out []byte) {
	sums := make([]uint32, len(across))
	for j, rows := range down {
		clear(sums)
		for y := rows[0]; y < rows[1]; y++ {
			line := plane[y*stride:]
			for i, c := range across {
				box, sum := line[c[0]:c[1]], uint32(0)
				for len(box) >= 4 { // four at a time: most of the work on a phone's photo
					sum += uint32(box[0]) + uint32(box[1]) + uint32(box[2]) + uint32(box[3])
					box = box[4:]
				}
				for _, v := range box {
					sum += uint32(v)
				}
				sums[i] += sum
			}
		}
		for i, c := range across {
			n := uint32((rows[1] - rows[0]) * (c[1] - c[0]))
			out[j*len(across)+i] = byte((sums[i] + n/2) / n)
		}
	}
}

// boxes tells how many boxes of f × f fit into r, and where the first begins: the rest of less
// than a box is left out on all sides alike.
func boxes(r image.Rectangle, f int) (origin image.Point, w, h int) {
	w, h = r.Dx()/f, r.Dy()/f
	return image.Pt(r.Min.X+(r.Dx()-w*f)/2, r.Min.Y+(r.Dy()-h*f)/2), w, h
}

// reduce averages boxes of f × f pixels of a part of a picture, on white where it is transparent.
func reduce(img image.Image, r image.Rectangle, f int) *image.RGBA {
	at, w, h := boxes(r, f)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	src, ok := img.(*image.YCbCr)
	if !ok {
		reduceRows(img, at, f, out)
		return out
	}
	sx, sy := subsampling(src.SubsampleRatio)
	plane := func(pix []byte, stride, sx, sy int) []byte {
		grey := make([]byte, w*h)
		average(pix, stride, spans(at.X, w, f, sx, stride), spans(at.Y, h, f, sy, len(pix)/stride), grey)
		return grey
	}
	ys, cbs, crs := plane(src.Y, src.YStride, 1, 1), plane(src.Cb, src.CStride, sx, sy), plane(src.Cr, src.CStride, sx, sy)
	for i := range ys {
		red, green, blue := color.YCbCrToRGB(ys[i], cbs[i], crs[i])
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = red, green, blue, 255
	}
	return out
}

// reduceGrey is reduce for the brightness alone.
func reduceGrey(img image.Image, r image.Rectangle, f int) grey {
	at, w, h := boxes(r, f)
	src, ok := img.(*image.YCbCr)
	if !ok {
		return greyOf(reduce(img, r, f))
	}
	out := newGrey(w, h)
	average(src.Y, src.YStride, spans(at.X, w, f, 1, src.YStride), spans(at.Y, h, f, 1, len(src.Y)/src.YStride), out.pix)
	return out
}

func greyOf(img *image.RGBA) grey {
	out := newGrey(img.Bounds().Dx(), img.Bounds().Dy())
	for i := range out.pix {
		out.pix[i], _, _ = color.RGBToYCbCr(img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2])
	}
	return out
}

func subsampling(r image.YCbCrSubsampleRatio) (across, down int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	default:
		return 1, 1
	}
}

// reduceRows serves every other kind of picture, one row at a time.
func reduceRows(img image.Image, at image.Point, f int, out *image.RGBA) {
	w, h := out.Bounds().Dx(), out.Bounds().Dy()
	row := make([]byte, 3*w*f)
	sums := make([]uint32, 3*w)
	n := uint32(f * f)
	read := rows(img)
	for j := range h {
		clear(sums)
		for k := range f {
			read(at.X, at.Y+j*f+k, row)
			for i, v := range row {
				sums[i/(3*f)*3+i%3] += uint32(v)
			}
		}
		for i := range w {
			pix := out.Pix[4*(j*w+i):]
			pix[0], pix[1], pix[2], pix[3] = byte((sums[3*i]+n/2)/n), byte((sums[3*i+1]+n/2)/n), byte((sums[3*i+2]+n/2)/n), 255
		}
	}
}

// rows returns what reads a row of a picture from a point on as red, green and blue on white.
func rows(img image.Image) func(x, y int, row []byte) {
	switch src := img.(type) {
	case *image.RGBA: // opaque: what the decoders make of pictures without transparency
		return func(x, y int, row []byte) {
			pix := src.Pix[src.PixOffset(x, y):]
			for i := 0; i < len(row); i, pix = i+3, pix[4:] {
				row[i], row[i+1], row[i+2] = pix[0], pix[1], pix[2]
			}
		}
	case *image.NRGBA:
		return func(x, y int, row []byte) {
			pix := src.Pix[src.PixOffset(x, y):]
			for i := 0; i < len(row); i, pix = i+3, pix[4:] {
				for k := range 3 {
					row[i+k] = byte((uint32(pix[k])*uint32(pix[3]) + 255*(255-uint32(pix[3])) + 127) / 255)
				}
			}
		}
	case *image.Gray:
		return func(x, y int, row []byte) {
			pix := src.Pix[src.PixOffset(x, y):]
			for i := 0; i < len(row); i, pix = i+3, pix[1:] {
				row[i], row[i+1], row[i+2] = pix[0], pix[0], pix[0]
			}
		}
	default: // palettes and 16 bits: rare, so any speed will do
		return func(x, y int, row []byte) {
			for i := 0; i < len(row); i, x = i+3, x+1 {
				r, g, b, a := img.At(x, y).RGBA()
				row[i], row[i+1], row[i+2] = byte((r+0xffff-a)>>8), byte((g+0xffff-a)>>8), byte((b+0xffff-a)>>8)
			}
		}
	}
}
