package photo

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/semaphore"

	"volcard/internal/fault"
)

// Limits that are checked before anything is decoded.
const (
	maxPixels = 40_000_000
	// maxMemory bounds what the decoder of one picture takes.
	maxMemory = 192 << 20
)

// slots keeps this process from decoding more than two pictures at a time: each may take
// maxMemory and a processor for a second.
var slots = semaphore.NewWeighted(2)

// header is what a file says of its picture.
type header struct {
	width, height int
	turn          turn   // what makes it upright
	memory        int64  // bytes that decoding will take, about
	profile       []byte // of its colours, as it stands in the file
	// pieces are the file as its decoder gets it: without what every browser passes over and Go's decoders
	// stop at, and with the end that some cameras and chat programs leave out.
	pieces [][]byte
	decode func(io.Reader) (image.Image, error)
}

// inspect decides by content what a file is and whether it may be decoded.
func inspect(raw []byte) (header, error) {
	if len(raw) == 0 {
		return header{}, refuse(nil, Empty)
	}
	if len(raw) > MaxBytes {
		return header{}, refuse(nil, TooManyBytes)
	}
	var h header
	var err error
	switch kind := sniff(raw); kind {
	case "jpeg":
		h, err = readJPEG(raw)
		h.decode = jpeg.Decode
	case "png":
		h, err = readPNG(raw)
		h.decode = png.Decode
	default:
		return header{}, refuse(nil, Code(kind))
	}
	var r *Refusal
	switch {
	case errors.As(err, &r):
		return header{}, err
	case err != nil:
		return header{}, refuse(err, Damaged)
	case int64(h.width)*int64(h.height) > maxPixels || h.memory > maxMemory:
		return header{}, refuse(nil, TooManyPixels)
	}
	return h, nil
}

// sniff names the format of a file by its first bytes: "jpeg", "png", or the code of a refusal.
func sniff(raw []byte) string {
	head := string(raw[:min(len(raw), 64)])
	begins := func(magic ...string) bool {
		return slices.ContainsFunc(magic, func(m string) bool { return strings.HasPrefix(head, m) })
	}
	switch {
	case begins("\xff\xd8\xff"):
		return "jpeg"
	case begins(pngMagic):
		return "png"
	case begins("GIF87a", "GIF89a"):
		return string(GIF)
	case begins("BM"):
		return string(BMP)
	case begins("II*\x00", "MM\x00*"):
		return string(TIFF)
	case begins("RIFF") && len(head) >= 12 && head[8:12] == "WEBP":
		return string(WebP)
	case begins("8BPS", "\xff\x0a", "\x00\x00\x00\x0cJXL "):
		return string(OtherFormat)
	case len(head) >= 12 && head[4:8] == "ftyp":
		return string(mediaKind(head))
	default:
		return string(NotAPicture)
	}
}

// mediaKind tells the pictures among the files of the ISO family, where films are as well.
func mediaKind(head string) Code {
	size := min(int(head[2])<<8|int(head[3]), len(head))
	var brands []string
	for i := 8; i+4 <= size; i += 4 {
		brands = append(brands, head[i:i+4])
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(brands, n) })
	}
	switch {
	case has("avif", "avis"):
		return AVIF
	case has("heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"):
		return HEIC
	default:
		return NotAPicture
	}
}

// pixels decodes the file. The caller holds a slot.
func (h header) pixels(ctx context.Context) (image.Image, error) {
	img, err := h.decode(&reader{ctx: ctx, from: join(h.pieces)})
	if errors.Is(err, errSurplus) {
		var exact [][]byte
		if exact, err = withoutSurplus(ctx, h.pieces); err == nil {
			img, err = h.decode(&reader{ctx: ctx, from: join(exact)})
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, busy(ctx.Err())
	case errors.As(err, new(jpeg.UnsupportedError)):
		return nil, refuse(err, RareJPEG)
	case errors.As(err, new(png.UnsupportedError)):
		return nil, refuse(err, OtherFormat)
	case err != nil:
		return nil, refuse(err, Damaged)
	case img.Bounds() != image.Rect(0, 0, h.width, h.height):
		return nil, refuse(errors.New("the header tells another size"), Damaged)
	}
	return img, nil
}

func join(pieces [][]byte) io.Reader {
	readers := make([]io.Reader, len(pieces))
	for i, piece := range pieces {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}

func busy(err error) error {
	return fault.Wrap(fault.Unavailable, err, "现在上传照片的人较多，请稍后再试。")
}

// reader stops a decoder whose asker has gone.
type reader struct {
	ctx  context.Context //nolint:containedctx // io.Reader has no place for it, and it lives as long as one call
	from io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	// A small piece at a time, so that the question above is asked often.
	return r.from.Read(p[:min(len(p), 4096)])
}
