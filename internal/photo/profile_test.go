package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/photo/phototest"
)

// The primaries of two colour spaces in D50, as their profiles give them: red, green, blue.
var (
	displayP3 = [3][3]float64{{0.51512, 0.2412, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.1571, 0.06657, 0.78407}}
	adobeRGB  = [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}
	srgb      = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.7141}}
)

// likeSRGB is the curve of sRGB and Display P3, as phones write it.
func likeSRGB() []byte {
	tag := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		tag = binary.BigEndian.AppendUint32(tag, uint32(int32(v*65536)))
	}
	return tag
}

// gamma22 is the curve of Adobe RGB.
func gamma22() []byte { return []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33") }

func profileOf(primaries [3][3]float64, curve []byte) []byte {
	head, data := make([]byte, 128), []byte(nil)
	copy(head[16:], "RGB XYZ ")
	table := binary.BigEndian.AppendUint32(nil, 6)
	const from = 128 + 4 + 6*12
	add := func(name string, tag []byte) {
		table = binary.BigEndian.AppendUint32(append(table, name...), uint32(from+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tag)))
		data = append(data, tag...)
	}
	for i, name := range []string{"r", "g", "b"} {
		xyz := []byte("XYZ \x00\x00\x00\x00")
		for _, v := range primaries[i] {
			xyz = binary.BigEndian.AppendUint32(xyz, uint32(int32(v*65536)))
		}
		add(name+"XYZ", xyz)
		add(name+"TRC", curve)
	}
	return bytes.Join([][]byte{head, table, data}, nil)
}

// The same colour in both spaces, by the definitions of CSS Color 4.
func TestProfileVectors(t *testing.T) {
	for _, c := range []struct {
		profile  []byte
		in, want color.RGBA
	}{
		{profileOf(displayP3, likeSRGB()), color.RGBA{234, 51, 35, 255}, color.RGBA{255, 0, 0, 255}},
		{profileOf(displayP3, likeSRGB()), color.RGBA{117, 251, 76, 255}, color.RGBA{0, 255, 0, 255}},
		{profileOf(displayP3, likeSRGB()), color.RGBA{0, 0, 245, 255}, color.RGBA{0, 0, 255, 255}},
		{profileOf(displayP3, likeSRGB()), color.RGBA{128, 128, 128, 255}, color.RGBA{128, 128, 128, 255}},
		{profileOf(displayP3, likeSRGB()), color.RGBA{0, 0, 0, 255}, color.RGBA{0, 0, 0, 255}},
		{profileOf(displayP3, likeSRGB()), color.RGBA{255, 255, 255, 255}, color.RGBA{255, 255, 255, 255}},
		{profileOf(adobeRGB, gamma22()), color.RGBA{219, 0, 0, 255}, color.RGBA{255, 0, 0, 255}},
		{profileOf(adobeRGB, gamma22()), color.RGBA{127, 127, 127, 255}, color.RGBA{127, 127, 127, 255}},
	} {
		p, ok := readColours(c.profile)
		require.True(t, ok)
		img := image.NewRGBA(image.Rect(0, 0, 1, 1))
		img.SetRGBA(0, 0, c.in)
		p.apply(img)
		got := img.RGBAAt(0, 0)
		for _, d := range [][2]byte{{got.R, c.want.R}, {got.G, c.want.G}, {got.B, c.want.B}} {
			// Five numbers at the dark end are less light than one in the middle.
			assert.InDelta(t, d[1], d[0], 5, "%v became %v", c.in, got)
		}
		assert.Equal(t, byte(255), got.A)
	}
}

func TestProfileIsApplied(t *testing.T) {
	img := phototest.Astronaut()
	plain := shown(t, mustMake(t, phototest.JPEG(img), whole))
	p3 := profileOf(displayP3, likeSRGB())
	inJPEG := phototest.WithSegment(phototest.JPEG(img), 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), p3...))
	wide := shown(t, mustMake(t, inJPEG, whole))
	assert.Greater(t, distance(plain, wide), 3.0)

	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, err := z.Write(p3)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	inPNG := chunked(phototest.PNG(img), "iCCP", append([]byte("Display P3\x00\x00"), packed.Bytes()...))
	assert.Less(t, distance(wide, shown(t, mustMake(t, inPNG, whole))), 2.5)

	s := phototest.WithSegment(phototest.JPEG(img), 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), profileOf(srgb, likeSRGB())...))
	assert.Equal(t, mustMake(t, phototest.JPEG(img), whole).JPEG, mustMake(t, s, whole).JPEG, "sRGB changes nothing")
}

// A profile that is cut anywhere, or full of nonsense, is passed over.
func TestProfileNonsense(t *testing.T) {
	good := profileOf(displayP3, likeSRGB())
	for n := range good {
		_, ok := readColours(good[:n])
		assert.False(t, ok, "%d of %d bytes", n, len(good))
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0xff
		if c, ok := readColours(bad); ok {
			c.apply(image.NewRGBA(image.Rect(0, 0, 1, 1)))
		}
	}
	assert.Nil(t, pngProfile([]byte("no end of the name")))
	assert.Nil(t, pngProfile([]byte("name\x00\x00not packed")))
	// Packed nothings beyond the bound are not unpacked.
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 10<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	assert.LessOrEqual(t, len(pngProfile(append([]byte("bomb\x00\x00"), bomb.Bytes()...))), maxProfile)
}
