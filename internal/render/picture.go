package render

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"sync"

	xdraw "golang.org/x/image/draw"

	"volcard/internal/fault"
	"volcard/internal/render/vector"
)

// widest bounds what a caller can ask to be drawn.
const widest = 4096

// Picture draws a side without bleed, width pixels wide (0: PictureWidth).
func Picture(list *DisplayList, side Side, width int) (*image.RGBA, error) {
	p, err := list.side(side)
	if err != nil {
		return nil, err
	}
	if width == 0 {
		width = PictureWidth
	}
	if width < 16 || width > widest {
		return nil, fault.New(fault.Invalid, "图片宽度超出范围")
	}
	scale := float64(width) / list.Width
	img := paintedArt(p, width, int(list.Height*scale), scale)
	canvas := vector.NewCanvas(img, vector.Matrix{A: scale, D: scale})
	for _, it := range p.items {
		switch {
		case it.text != nil:
			for _, s := range it.text.outline() {
				canvas.Draw(s)
			}
		case it.shape != nil:
			canvas.Draw(*it.shape)
		case it.qr != nil:
			canvas.Draw(it.qr.outline())
		case it.photo != nil:
			if err := it.photo.draw(canvas); err != nil {
				return nil, err
			}
		}
	}
	return img, nil
}

// JPEG is Picture, encoded at quality 85.
func JPEG(list *DisplayList, side Side, width int) ([]byte, error) {
	img, err := Picture(list, side, width)
	if err != nil {
		return nil, err
	}
	planes := subsampled(img)
	canvases.Put(&img.Pix)
	var buf bytes.Buffer
	err = jpeg.Encode(&buf, planes, &jpeg.Options{Quality: 85})
	planesAtHand.Put(planes)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "图片生成失败")
	}
	return buf.Bytes(), nil
}

// BothSides is one JPEG of quality 90 with the front above the back, each width pixels wide, on white.
func BothSides(list *DisplayList, width int) ([]byte, error) {
	var sides [2]*image.RGBA
	for i, side := range []Side{Front, Back} {
		img, err := Picture(list, side, width)
		if err != nil {
			return nil, err
		}
		sides[i] = img
	}
	w, h := sides[0].Rect.Dx(), sides[0].Rect.Dy()
	margin := w / 32
	sheet := image.NewRGBA(image.Rect(0, 0, w+2*margin, 2*h+3*margin))
	draw.Draw(sheet, sheet.Rect, image.White, image.Point{}, draw.Src)
	for i, img := range sides {
		at := image.Pt(margin, margin+i*(h+margin))
		draw.Draw(sheet, img.Rect.Add(at), img, image.Point{}, draw.Src)
		canvases.Put(&img.Pix)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, sheet, &jpeg.Options{Quality: 90}); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "图片生成失败")
	}
	return buf.Bytes(), nil
}

// What was encoded is drawn over by the next picture: clearing and collecting these megabytes would cost a
// tenth of each.
var (
	canvases     sync.Pool // of *[]byte
	planesAtHand sync.Pool // of *image.YCbCr
)

// canvas is a picture of this size that holds anything.
func canvas(size image.Rectangle) *image.RGBA {
	n := 4 * size.Dx() * size.Dy()
	if pix, ok := canvases.Get().(*[]byte); ok && cap(*pix) >= n {
		return &image.RGBA{Pix: (*pix)[:n], Stride: 4 * size.Dx(), Rect: size}
	}
	return image.NewRGBA(size)
}

// subsampled is an opaque picture in JPEG's own colours, one pair of them for four pixels:
// what the encoder would make of it, in a third of the time.
func subsampled(img *image.RGBA) *image.YCbCr {
	out, ok := planesAtHand.Get().(*image.YCbCr)
	if !ok || out.Rect != img.Rect {
		out = image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := 0; y < h; y += 2 {
		below := min(y+1, h-1)
		blue, red := out.Cb[y/2*out.CStride:][:(w+1)/2], out.Cr[y/2*out.CStride:][:(w+1)/2]
		top, bottom := img.Pix[y*img.Stride:][:4*w], img.Pix[below*img.Stride:][:4*w]
		light, dim := out.Y[y*out.YStride:][:w], out.Y[below*out.YStride:][:w]
		for x := range blue {
			right := min(2*x+1, w-1)
			p, q := top[8*x:8*x+3:8*x+3], top[4*right:4*right+3:4*right+3]
			r, s := bottom[8*x:8*x+3:8*x+3], bottom[4*right:4*right+3:4*right+3]
			light[2*x], light[right] = luma(p), luma(q)
			dim[2*x], dim[right] = luma(r), luma(s)
			red4 := int32(p[0]) + int32(q[0]) + int32(r[0]) + int32(s[0])
			green4 := int32(p[1]) + int32(q[1]) + int32(r[1]) + int32(s[1])
			blue4 := int32(p[2]) + int32(q[2]) + int32(r[2]) + int32(s[2])
			blue[x] = byte(min(255, (-11056*red4-21712*green4+32768*blue4+514<<16)>>18))
			red[x] = byte(min(255, (32768*red4-27440*green4-5328*blue4+514<<16)>>18))
		}
	}
	return out
}

func luma(p []byte) byte {
	return byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
}

// outline is the text as shapes: filled, and a line around it where it is emboldened.
func (t *textItem) outline() []vector.Shape {
	var path vector.Path
	em, x := t.Size*mmPerPoint, t.X
	for _, r := range t.Text {
		o := t.Font.Outline(r)
		path.Append(o.Transform(vector.Matrix{A: em, D: em, E: x, F: t.Y}))
		x += t.Font.Advance(r)*em + t.Tracking*mmPerPoint
	}
	shapes := []vector.Shape{{Path: path, Color: t.Color, Opacity: 1}}
	if t.Embolden != 0 {
		shapes = append(shapes, vector.Shape{Path: path, Color: t.Color, Opacity: 1, Width: t.Embolden * em})
	}
	return shapes
}

func (q *qrItem) outline() vector.Shape {
	var path vector.Path
	q.runs(func(x, y, n int) {
		path.Append(vector.Rect(q.X+float64(x)*q.Module, q.Y+float64(y)*q.Module, float64(n)*q.Module, q.Module, 0))
	})
	return vector.Shape{Path: path, Color: q.Color, Opacity: 1}
}

// cover is where the whole photo lies so that it fills its box.
func (p *photoItem) cover() (x, y, w, h float64) {
	const ratio = float64(PhotoWidth) / PhotoHeight
	w, h = p.W, p.W/ratio
	if h < p.H {
		w, h = p.H*ratio, p.H
	}
	return p.X - (w-p.W)/2, p.Y - (h-p.H)/2, w, h
}

// errPhoto hides what a decoder says of a photo: it may quote it.
var errPhoto = errors.New("render: photo does not decode")

func (p *photoItem) decode() (image.Image, error) {
	photo, err := jpeg.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, errPhoto, "照片已损坏，请重新上传")
	}
	return photo, nil
}

func (p *photoItem) draw(c *vector.Canvas) error {
	photo, err := p.decode()
	if err != nil {
		return err
	}
	x, y, w, h := p.cover()
	lo, hi := c.Matrix.Apply(vector.Point{X: x, Y: y}), c.Matrix.Apply(vector.Point{X: x + w, Y: y + h})
	box := image.Rect(int(lo.X+0.5), int(lo.Y+0.5), int(hi.X+0.5), int(hi.Y+0.5))
	scaled := image.NewRGBA(box)
	if box.Size() == photo.Bounds().Size() { // at PictureWidth, a pixel is a pixel
		draw.Draw(scaled, box, photo, photo.Bounds().Min, draw.Src)
	} else {
		xdraw.CatmullRom.Scale(scaled, box, photo, photo.Bounds(), draw.Src, nil)
	}
	outline := vector.Rect(p.X, p.Y, p.W, p.H, p.Radius)
	outline = outline.Transform(c.Matrix)
	lo, hi = outline.Bounds()
	// Between the rounded corners the photo is as wide as its frame; only above and below
	// does it need a mask, which costs more than all the rest.
	frame := image.Rect(int(lo.X), int(lo.Y), int(hi.X)+1, int(hi.Y)+1)
	radius := min(int(p.Radius*c.Matrix.Scale())+2, frame.Dy()/2)
	top, bottom := frame.Min.Y+radius, frame.Max.Y-radius
	draw.Draw(c.Image, image.Rect(int(lo.X+0.5), top, int(hi.X+0.5), bottom), scaled, image.Pt(int(lo.X+0.5), top), draw.Src)
	for _, part := range []image.Rectangle{
		image.Rect(frame.Min.X, frame.Min.Y, frame.Max.X, top),
		image.Rect(frame.Min.X, bottom, frame.Max.X, frame.Max.Y),
	} {
		mask := image.NewRGBA(part)
		vector.NewCanvas(mask, vector.Identity).Draw(vector.Shape{Path: outline, Opacity: 1})
		draw.DrawMask(c.Image, part, scaled, part.Min, mask, part.Min, draw.Over)
	}
	return nil
}

// painted keeps art at the sizes in use: the same few faces stand under every card.
var painted = struct {
	sync.Mutex
	images map[paintedKey]*image.RGBA
	bytes  int
}{images: map[paintedKey]*image.RGBA{}}

type paintedKey struct {
	sum   [32]byte
	width int
}

// maxPainted bounds the bytes kept: both sides of five faces are 26 MB at the default width.
const maxPainted = 64 << 20

// paintedArt returns a fresh image with the art on white paper.
func paintedArt(p *page, width, height int, scale float64) *image.RGBA {
	key := paintedKey{p.artSum, width}
	painted.Lock()
	art := painted.images[key]
	painted.Unlock()
	if art == nil {
		art = image.NewRGBA(image.Rect(0, 0, width, height))
		draw.Draw(art, art.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		canvas := vector.NewCanvas(art, vector.Matrix{A: scale, D: scale})
		for _, s := range p.art.Shapes {
			canvas.Draw(s)
		}
		if width <= PictureWidth {
			painted.Lock()
			if painted.bytes+len(art.Pix) > maxPainted {
				clear(painted.images)
				painted.bytes = 0
			}
			if painted.images[key] == nil { // nobody else was quicker
				painted.images[key] = art
				painted.bytes += len(art.Pix)
			}
			painted.Unlock()
		}
	}
	img := canvas(art.Bounds())
	copy(img.Pix, art.Pix)
	return img
}
