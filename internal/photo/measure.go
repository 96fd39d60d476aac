package photo

import (
	"image"
	"math"
)

// measures is what the checks of the gate look at: all of it in pixels of the card's picture,
// brightness from 0 to 255.
type measures struct {
	// enlarged is how many pixels of the card's picture come from one of the upload's, along one
	// axis: above 1 the upload has too few.
	enlarged float64
	// face is the surest face; its score is 0 where nothing looks like one.
	face face
	// rival is the surest face beside it.
	rival face
	// turned is the score of the surest face that lies on its side or stands on its head.
	turned float64
	// brightest is the brightness that five of a hundred pixels exceed.
	brightest int
	// faceLight is the same for the face, with ten of a hundred.
	faceLight int
	// burnt is the part of the face that is pure white.
	burnt float64
	// sharpness is the part of the contrast in the face that lies in its finest details.
	sharpness float64
	// oneHue is the part of the pixels that have no colour or all the same: nearly all of a picture that was
	// taken without colour or toned afterwards.
	oneHue float64
	// cast is how far the colour of the face lies outside of what skin of any kind has in daylight or lamplight.
	cast float64
	// unrest is how much the background beside the head changes from pixel to pixel, spread how
	// much its brightness does on the whole.
	unrest, spread float64
}

// leastFace is the smallest face that is looked for in the card's picture, tinyFace where that
// finds none.
const (
	leastFace = 56
	tinyFace  = 28
)

func measure(img *image.RGBA, enlarged float64, rival face) measures {
	g := greyOf(img)
	m := measures{enlarged: enlarged, rival: rival}
	m.face, m.rival = twoSurest(findFaces(g, leastFace), rival)
	if m.face.score < sureFace {
		m.face, m.rival = twoSurest(findFaces(g, tinyFace), rival)
	}
	if m.face.score < sureFace {
		for _, side := range sides {
			other, _ := twoSurest(findFaces(g.turned(side), leastFace), face{})
			m.turned = math.Max(m.turned, other.score)
		}
	}
	whole := image.Rect(0, 0, g.width, g.height)
	m.brightest = g.brightness(whole, 0.95)
	part := m.face.square().Intersect(whole)
	if m.face.score < maybeFace || part.Dx() < leastFace/2 || part.Dy() < leastFace/2 {
		part = whole
	}
	m.faceLight = g.brightness(part, 0.9)
	m.burnt = g.above(part, 250)
	m.sharpness = g.sharpness(part)
	m.unrest, m.spread = g.background(m.face)
	m.oneHue, m.cast = oneHue(img, part), cast(img, part)
	return m
}

// square is the square of the face.
func (f face) square() image.Rectangle {
	return image.Rect(round(f.x-f.size/2), round(f.y-f.size/2), round(f.x+f.size/2), round(f.y+f.size/2))
}

func (g grey) turned(t turn) grey {
	w, h := t.size(g.width, g.height)
	out := newGrey(w, h)
	for y := range h {
		for x := range w {
			sx, sy := t.pixel(x, y, g.width, g.height)
			out.pix[y*w+x] = g.pix[sy*g.width+sx]
		}
	}
	return out
}

func (g grey) histogram(r image.Rectangle) (count [256]int, all int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range g.pix[y*g.width+r.Min.X : y*g.width+r.Max.X] {
			count[v]++
		}
	}
	return count, r.Dx() * r.Dy()
}

// brightness is the value that a part of the pixels stays below.
func (g grey) brightness(r image.Rectangle, part float64) int {
	count, all := g.histogram(r)
	left := int(part * float64(all))
	for v, n := range count {
		if left -= n; left < 0 {
			return v
		}
	}
	return 255
}

// above is the part of the pixels that are at least so bright.
func (g grey) above(r image.Rectangle, least int) float64 {
	count, all := g.histogram(r)
	n := 0
	for _, c := range count[least:] {
		n += c
	}
	return float64(n) / float64(max(all, 1))
}

// sharpness compares the second differences over two pixels with the contrast of the whole part:
// what is blurred keeps its contrast and loses its edges.
func (g grey) sharpness(r image.Rectangle) float64 {
	const step = 2
	var fine, sum, squares, n float64
	for y := max(r.Min.Y, step); y < min(r.Max.Y, g.height-step); y++ {
		for x := max(r.Min.X, step); x < min(r.Max.X, g.width-step); x++ {
			i := y*g.width + x
			v := float64(g.pix[i])
			sum, squares, n = sum+v, squares+v*v, n+1
			d := 4*int(g.pix[i]) - int(g.pix[i-step]) - int(g.pix[i+step]) - int(g.pix[i-step*g.width]) - int(g.pix[i+step*g.width])
			fine += float64(d * d)
		}
	}
	if variance := squares/n - (sum/n)*(sum/n); variance > 1 {
		return math.Sqrt(fine / n / variance)
	}
	return 0
}

// background looks at both sides beside and above the head. Without room there it sees nothing.
func (g grey) background(f face) (unrest, spread float64) {
	margin := g.width / 8
	if f.score >= maybeFace {
		margin = min(margin, round(f.x-0.75*f.size), g.width-round(f.x+0.75*f.size))
	}
	const least = 12
	if margin < least {
		return 0, 0
	}
	height := g.height * 2 / 5
	var sum, squares, steps, n float64
	for y := range height {
		line, next := g.pix[y*g.width:], g.pix[(y+1)*g.width:]
		for i := range 2 * (margin - 1) {
			x := i
			if i >= margin-1 { // the right side
				x = g.width - margin + i - (margin - 1)
			}
			v := float64(line[x])
			sum, squares, n = sum+v, squares+v*v, n+1
			steps += math.Abs(v-float64(line[x+1])) + math.Abs(v-float64(next[x]))
		}
	}
	return steps / n, math.Sqrt(math.Max(0, squares/n-(sum/n)*(sum/n)))
}
