package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"io"
	"math"
	"sync"
)

// Newer phones write the wider colours of Display P3 and say so in an ICC profile. Without the
// profile the same numbers are paler, so it is applied before it is dropped. Only profiles of the
// plain kind are known, three curves and a matrix; any other one is passed over.

// colours turns a picture's numbers into sRGB.
type colours struct {
	curves [3][256]float64
	matrix [3][3]float64 // from the picture's linear light to sRGB's
}

// fromXYZ leads from the light that profiles are written in (D50) to sRGB's.
var fromXYZ = [3][3]float64{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// maxProfile bounds a profile; those of cameras have 500 to 4,000 bytes.
const maxProfile = 1 << 16

// pngProfile unpacks the body of an iCCP chunk.
func pngProfile(body []byte) []byte {
	_, packed, found := bytes.Cut(body, []byte{0})
	if !found || len(packed) < 1 || packed[0] != 0 {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(r, maxProfile))
	if err != nil {
		return nil
	}
	return profile
}

// readColours reads a profile. ok is false where it is none of ours, or says sRGB anyway.
func readColours(profile []byte) (c colours, ok bool) {
	const head = 128
	if len(profile) < head+4 || len(profile) > maxProfile || string(profile[16:24]) != "RGB XYZ " {
		return colours{}, false
	}
	tags := map[string][]byte{}
	entries := profile[head+4:]
	for range min(binary.BigEndian.Uint32(profile[head:]), 64) {
		if len(entries) < 12 {
			return colours{}, false
		}
		from, size := uint64(binary.BigEndian.Uint32(entries[4:])), uint64(binary.BigEndian.Uint32(entries[8:]))
		if from+size > uint64(len(profile)) {
			return colours{}, false
		}
		tags[string(entries[:4])] = profile[from : from+size]
		entries = entries[12:]
	}
	plain := true
	for i, name := range []string{"r", "g", "b"} {
		xyz := tags[name+"XYZ"]
		if len(xyz) < 20 || string(xyz[:4]) != "XYZ " || !c.curve(i, tags[name+"TRC"]) {
			return colours{}, false
		}
		for row := range 3 {
			for k := range 3 {
				c.matrix[row][i] += fromXYZ[row][k] * fixed(xyz[8+4*k:])
			}
			want := 0.0
			if row == i {
				want = 1
			}
			plain = plain && math.Abs(c.matrix[row][i]-want) < 0.02
		}
		plain = plain && math.Abs(c.curves[i][128]-srgbLight(128./255)) < 0.01
	}
	return c, !plain
}

// curve fills in how one channel's numbers become light.
func (c *colours) curve(channel int, tag []byte) bool {
	if len(tag) < 12 {
		return false
	}
	var light func(v float64) float64
	switch string(tag[:4]) {
	case "curv":
		n := int(min(binary.BigEndian.Uint32(tag[8:]), maxProfile))
		points := tag[12:]
		switch {
		case len(points) < 2*n:
			return false
		case n == 0:
			light = func(v float64) float64 { return v }
		case n == 1:
			gamma := float64(binary.BigEndian.Uint16(points)) / 256
			light = func(v float64) float64 { return math.Pow(v, gamma) }
		default:
			light = func(v float64) float64 {
				return float64(binary.BigEndian.Uint16(points[2*round(v*float64(n-1)):])) / 65535
			}
		}
	case "para":
		// The number of values by the kind of function; kinds 3 and 0 are what cameras write.
		kind := binary.BigEndian.Uint16(tag[8:])
		values := map[uint16]int{0: 1, 3: 5}[kind]
		if values == 0 || len(tag) < 12+4*values {
			return false
		}
		var p [5]float64
		for i := range values {
			p[i] = fixed(tag[12+4*i:])
		}
		light = func(v float64) float64 { return math.Pow(v, p[0]) }
		if kind == 3 {
			light = func(v float64) float64 {
				if v < p[4] {
					return p[3] * v
				}
				return math.Pow(math.Max(p[1]*v+p[2], 0), p[0])
			}
		}
	default:
		return false
	}
	for v := range c.curves[channel] {
		c.curves[channel][v] = math.Max(0, math.Min(1, light(float64(v)/255)))
	}
	return true
}

// fixed reads a number of 16 and 16 bits.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// srgbLight is the curve of sRGB.
func srgbLight(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// srgbNumbers are the bytes of sRGB by light, in steps fine enough for the darkest.
var srgbNumbers = sync.OnceValue(func() []byte {
	numbers := make([]byte, 1<<14)
	v := 0
	for i := range numbers {
		for light := float64(i) / float64(len(numbers)-1); v < 255 && srgbLight((float64(v)+0.5)/255) <= light; {
			v++
		}
		numbers[i] = byte(v)
	}
	return numbers
})

// apply rewrites a picture in sRGB.
func (c colours) apply(img *image.RGBA) {
	numbers := srgbNumbers()
	top := float64(len(numbers) - 1)
	for i := 0; i < len(img.Pix); i += 4 {
		pix := img.Pix[i : i+3 : i+3]
		r, g, b := c.curves[0][pix[0]], c.curves[1][pix[1]], c.curves[2][pix[2]]
		for k, m := range c.matrix {
			light := m[0]*r + m[1]*g + m[2]*b
			pix[k] = numbers[int(math.Max(0, math.Min(1, light))*top+0.5)]
		}
	}
}
