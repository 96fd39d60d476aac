package photo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/photo/phototest"
)

// whole is the crop of Astronaut that shows as much as fits.
var whole = Crop{X: 60, Y: 0, W: 642, H: 899}

func mustMake(t *testing.T, raw []byte, c Crop) Photo {
	t.Helper()
	p, err := Make(t.Context(), raw, c)
	require.NoError(t, err)
	return p
}

func shown(t *testing.T, p Photo) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	require.NoError(t, err)
	return img
}

// distance is the mean difference of two pictures' channels.
func distance(a, b image.Image) float64 {
	x, y := phototest.Part(a, a.Bounds()), phototest.Part(b, b.Bounds())
	if x.Bounds() != y.Bounds() {
		return 255
	}
	sum := 0
	for i := range x.Pix {
		d := int(x.Pix[i]) - int(y.Pix[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(x.Pix)) * 4 / 3
}

func TestMakeGood(t *testing.T) {
	raw := phototest.Good()
	p := mustMake(t, raw, whole)
	assert.Equal(t, Clear, p.Verdict)
	assert.Empty(t, p.Findings)
	assert.Equal(t, sha256.Sum256(p.JPEG), p.SHA256)
	assert.LessOrEqual(t, len(p.JPEG), maxJPEG)
	assert.Equal(t, image.Rect(0, 0, Width, Height), shown(t, p).Bounds())
	assert.Equal(t, p, mustMake(t, raw, whole), "the same upload gives the same photo")

	want := phototest.Scale(phototest.Part(phototest.Astronaut(), image.Rect(60, 0, 702, 899)), Width, Height)
	assert.Less(t, distance(want, shown(t, p)), 3.0)
}

// What is stored is a baseline JPEG of 300 dpi and nothing else.
func TestMakeWritesNoMetadata(t *testing.T) {
	for name, raw := range map[string][]byte{
		"phone":   phototest.Oriented(phototest.Astronaut(), 6),
		"profile": phototest.WithSegment(phototest.Good(), 0xe2, []byte("ICC_PROFILE\x00\x01\x01"+phototest.Latitude)),
		"comment": phototest.WithSegment(phototest.Good(), 0xfe, []byte(phototest.Latitude)),
		"tail":    append(phototest.Good(), "PK\x03\x04"+phototest.Latitude+"<script>alert(1)</script>"...),
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, string(raw), phototest.Latitude)
			out := mustMake(t, raw, Crop{}).JPEG
			assert.NotContains(t, string(out), phototest.Latitude)
			assert.NotContains(t, string(out), "Exif")
			assert.NotContains(t, string(out), "<script>")
			assert.Equal(t, []byte{0xe0, 0xdb, 0xc0, 0xc4, 0xda, 0xd9}, markers(t, out), "JFIF, tables, one baseline frame, one scan")
			assert.Equal(t, "JFIF\x00\x01\x01\x01\x01\x2c\x01\x2c\x00\x00", string(out[6:20]))
		})
	}
}

// markers lists the kinds of segments of a JPEG, each once.
func markers(t *testing.T, raw []byte) []byte {
	t.Helper()
	var list []byte
	for i := 2; i < len(raw); {
		var m byte
		if i, m = nextMarker(raw, i); m == 0 {
			break
		}
		if !bytes.Contains(list, []byte{m}) {
			list = append(list, m)
		}
		if m != 0xd9 {
			i += int(raw[i])<<8 | int(raw[i+1])
		}
	}
	return list
}

// T19: a photo is upright however the camera stored it, cropped by hand or not, and can be turned.
func TestMakeOrientation(t *testing.T) {
	img := phototest.Astronaut()
	upright := shown(t, mustMake(t, phototest.JPEG(img), whole))
	alone := shown(t, mustMake(t, phototest.JPEG(img), Crop{}))
	// What JPEG loses differs a little with the direction, and so does where the finder sees the face.
	const cropped, uncropped = 1.5, 16.0
	mirrored := phototest.JPEG(phototest.Stored(img, 2))
	require.Greater(t, distance(alone, shown(t, mustMake(t, mirrored, Crop{}))), 1.5*uncropped, "the measure tells left from right")
	for o := 1; o <= 8; o++ {
		raw := phototest.Oriented(img, o)
		assert.Less(t, distance(upright, shown(t, mustMake(t, raw, whole))), cropped, "orientation %d, cropped", o)
		assert.Less(t, distance(alone, shown(t, mustMake(t, raw, Crop{}))), uncropped, "orientation %d, alone", o)
	}
	// The same picture without EXIF, turned on the page.
	for o, degrees := range map[int]int{3: 180, 6: 90, 8: 270} {
		raw := phototest.JPEG(phototest.Stored(img, o))
		c := whole
		c.Rotate = degrees
		assert.Less(t, distance(upright, shown(t, mustMake(t, raw, c))), cropped, "turned by %d", degrees)
		c.Rotate = degrees - 360
		assert.Less(t, distance(upright, shown(t, mustMake(t, raw, c))), cropped, "turned by %d", degrees-360)
		assert.Less(t, distance(alone, shown(t, mustMake(t, raw, Crop{}))), uncropped, "turned by itself")
	}
	// Both: stored with an orientation, and turned on the page nevertheless.
	for o := 1; o <= 8; o++ {
		c := whole
		c.Rotate = 90
		raw := phototest.Oriented(phototest.Stored(img, 6), o)
		assert.Less(t, distance(upright, shown(t, mustMake(t, raw, c))), cropped, "orientation %d, turned as well", o)
	}
}

// A crop that lies where nobody would put it still shows just that part.
func TestMakeCropsWhatWasChosen(t *testing.T) {
	img := phototest.Portrait()
	for _, c := range []Crop{{X: 51.5, Y: 0, W: 857.1, H: 1200}, {X: 103, Y: 60, W: 750.4, H: 1050}, {X: 60.2, Y: 0.4, W: 839.9, H: 1175.6}} {
		want := phototest.Scale(phototest.Part(img, image.Rect(round(c.X), round(c.Y), round(c.X+c.W), round(c.Y+c.H))), Width, Height)
		assert.Less(t, distance(want, shown(t, mustMake(t, phototest.PNG(img), c))), 3.0, "%v", c)
	}
}

func TestMakeChoosesTheCrop(t *testing.T) {
	// The face of the wide picture is in its upper middle; the photo has it in its own middle.
	p := mustMake(t, phototest.JPEG(phototest.AstronautWide()), Crop{})
	f, _ := twoSurest(findFaces(greyOf(phototest.Part(shown(t, p), image.Rect(0, 0, Width, Height))), leastFace), face{})
	assert.InDelta(t, Width/2, f.x, 15)
	assert.InDelta(t, idealHeight*Height, f.y, 45, "the hair needs the room above")
	assert.InDelta(t, idealFace*Width, f.size, 30)
}

// A 12-megapixel photo as phones take it.
func TestMakePhone(t *testing.T) {
	p := mustMake(t, phototest.SidewaysPhone(), Crop{X: 230, Y: 0, W: 2490, H: 3486})
	assert.Equal(t, Clear, p.Verdict)
	assert.LessOrEqual(t, len(p.JPEG), maxJPEG)
}

// Every kind of pixel that the decoders make looks alike afterwards.
func TestMakeKindsOfPixels(t *testing.T) {
	img := phototest.Astronaut()
	b := img.Bounds()
	want := shown(t, mustMake(t, phototest.PNG(img), whole))

	deep, clear16, clear8, grey8 := image.NewRGBA64(b), image.NewNRGBA64(b), image.NewNRGBA(b), image.NewGray(b)
	grey16, paletted := image.NewGray16(b), image.NewPaletted(b, greys())
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := img.RGBAAt(x, y)
			deep.Set(x, y, c)
			clear16.Set(x, y, c)
			clear8.Set(x, y, c)
			grey8.Set(x, y, c)
			grey16.Set(x, y, c)
			paletted.Set(x, y, grey8.GrayAt(x, y))
		}
	}
	// A corner that shows nothing is white.
	for y := range 100 {
		for x := range 100 {
			clear8.Pix[clear8.PixOffset(60+x, y)+3] = 0
			clear16.Pix[clear16.PixOffset(60+x, y)+6], clear16.Pix[clear16.PixOffset(60+x, y)+7] = 0, 0
		}
	}
	assert.Less(t, distance(want, shown(t, mustMake(t, phototest.PNG(deep), whole))), 1.0, "16 bits")
	assert.Less(t, distance(want, shown(t, mustMake(t, phototest.JPEG(img), whole))), 2.5, "JPEG")
	for name, img := range map[string]image.Image{"8 bits": clear8, "16 bits": clear16} {
		got := shown(t, mustMake(t, phototest.PNG(img), whole))
		r, g, b, _ := got.At(20, 20).RGBA()
		assert.Equal(t, []uint32{255, 255, 255}, []uint32{r >> 8, g >> 8, b >> 8}, "transparent, %s", name)
		right := image.Rect(60, 0, Width, Height)
		assert.Less(t, distance(phototest.Part(want, right), phototest.Part(got, right)), 1.0, name)
	}
	grey := shown(t, mustMake(t, phototest.PNG(grey8), whole))
	assert.Less(t, distance(grey, shown(t, mustMake(t, phototest.JPEG(grey8), whole))), 2.5, "grey JPEG")
	assert.Less(t, distance(grey, shown(t, mustMake(t, phototest.PNG(grey16), whole))), 1.5, "grey, 16 bits")
	assert.Less(t, distance(grey, shown(t, mustMake(t, phototest.PNG(paletted), whole))), 1.5, "palette")
}

func greys() color.Palette {
	var p color.Palette
	for v := range 256 {
		p = append(p, color.Gray{Y: uint8(v)})
	}
	return p
}

// A progressive file with a profile and a thumbnail, as it was found.
func TestMakeFoundFile(t *testing.T) {
	raw := phototest.PortraitFile()
	require.Contains(t, string(markers(t, raw)), "\xc2", "progressive")
	p := mustMake(t, raw, Crop{})
	assert.Equal(t, Doubtful, p.Verdict)
	assert.Equal(t, []Finding{{TooSmall}}, p.Findings, "320 pixels wide, a little less than needed")
}

// Noise compresses badly: the photo stays small nevertheless.
func TestMakeStaysSmall(t *testing.T) {
	img := phototest.Astronaut()
	cut := phototest.Scale(phototest.Part(img, image.Rect(60, 0, 702, 899)), Width, Height)
	for i := range cut.Pix {
		if i%4 != 3 && (i/4%Width < 90 || i/4%Width > 205) {
			cut.Pix[i] = byte(i * 2654435761 >> 11)
		}
	}
	p := mustMake(t, phototest.PNG(cut), Crop{W: Width, H: Height})
	assert.LessOrEqual(t, len(p.JPEG), maxJPEG)
	assert.Equal(t, []Finding{{BusyBackground}}, p.Findings)
}

func TestMakeWaitsItsTurn(t *testing.T) {
	require.NoError(t, slots.Acquire(t.Context(), 2), "two others decode")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Make(ctx, phototest.Good(), whole)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("a third one did not wait: %v", err)
	default:
	}
	cancel()
	err := <-done
	assert.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, err.Error(), "unavailable")

	go func() {
		_, err := Make(t.Context(), phototest.Good(), whole)
		done <- err
	}()
	slots.Release(2)
	require.NoError(t, <-done)
	require.True(t, slots.TryAcquire(2), "everybody gives the slot back")
	slots.Release(2)
}

// Five at once: two are decoded, three wait.
func TestMakeDecodesTwoAtATime(t *testing.T) {
	raw := phototest.Good()
	h, err := inspect(raw)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		next := make(chan struct{})
		h.decode = func(io.Reader) (image.Image, error) {
			begun.Add(1)
			<-next
			return nil, io.ErrUnexpectedEOF
		}
		for range 5 {
			go func() { _, _, _ = read(t.Context(), h, image.Rectangle{}) }()
		}
		synctest.Wait()
		assert.EqualValues(t, 2, begun.Load())
		next <- struct{}{}
		synctest.Wait()
		assert.EqualValues(t, 3, begun.Load(), "one gave its slot to the next")
		close(next)
		synctest.Wait()
		assert.EqualValues(t, 5, begun.Load())
	})
}

// A slot is given back when decoding fails as well.
func TestMakeGivesTheSlotBack(t *testing.T) {
	raw := phototest.Good()
	for range 3 {
		_, err := Make(t.Context(), append(raw[:len(raw)/2:len(raw)/2], 0xff, 0xd9), Crop{})
		require.Error(t, err)
	}
	require.True(t, slots.TryAcquire(2))
	slots.Release(2)
}
