package photo

import (
	_ "embed"
	"math"
	"sync"

	pigo "github.com/esimov/pigo/core"
)

// How a face stands on an identity card, in parts of the picture: what the cropping by itself
// aims at. The finder's square goes from the brows to the chin.
const (
	idealFace   = 0.50 // of the width
	idealHeight = 0.46 // its middle, of the height
)

// face is a square in which the finder sees a face. score grows with its certainty.
type face struct {
	x, y  float64 // the middle
	size  float64 // of a side
	score float64
}

//go:embed cascade/facefinder
var cascade []byte

var finder = sync.OnceValue(func() *pigo.Pigo {
	f, err := pigo.NewPigo().Unpack(cascade)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return f
})

// Scores, as measured: a face that a person would take has 15 and more, brickwork and fur have up
// to 8.
const (
	sureFace  = 10
	maybeFace = 3
)

// findFaces looks for upright faces of at least the given size. The picture is continued beyond
// its edges, so that a face that is cut is found as well.
func findFaces(g grey, least int) []face {
	margin := min(g.width, g.height) / 4
	padded := g.padded(margin)
	find := finder()
	found := find.RunCascade(pigo.CascadeParams{
		MinSize: least, MaxSize: min(g.width, g.height) * 5 / 4, ShiftFactor: 0.1, ScaleFactor: 1.1,
		ImageParams: pigo.ImageParams{Pixels: padded.pix, Rows: padded.height, Cols: padded.width, Dim: padded.width},
	}, 0)
	var faces []face
	for _, d := range find.ClusterDetections(found, 0.2) {
		faces = append(faces, face{
			x: float64(d.Col - margin), y: float64(d.Row - margin), size: float64(d.Scale), score: float64(d.Q),
		})
	}
	return faces
}

// twoSurest takes the face with the highest score and the next one that is not the same face
// found in another size. rival is what was seen beside the picture before.
func twoSurest(faces []face, rival face) (first, second face) {
	for _, f := range faces {
		if f.score > first.score {
			first = f
		}
	}
	second = rival
	for _, f := range faces {
		apart := math.Hypot(f.x-first.x, f.y-first.y) > 0.5*math.Max(f.size, first.size)
		if apart && f.score > second.score {
			second = f
		}
	}
	return first, second
}

// padded continues the picture by its edges.
func (g grey) padded(margin int) grey {
	out := newGrey(g.width+2*margin, g.height+2*margin)
	for y := range out.height {
		line := g.pix[min(max(y-margin, 0), g.height-1)*g.width:][:g.width]
		to := out.pix[y*out.width:][:out.width]
		for x := range margin {
			to[x], to[out.width-1-x] = line[0], line[g.width-1]
		}
		copy(to[margin:], line)
	}
	return out
}
