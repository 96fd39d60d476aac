package photo

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image/png"
	"io"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var errChunks = errors.New("png: chunks do not fit the file")

// pngEnd is the chunk IEND: a file that lacks it is decoded as if it stood there.
var pngEnd = []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")

// readPNG walks over the chunks of a PNG without decoding it. The decoder gets only those that it needs: a
// wrong sum in a remark, or a remark between the pixels, is no reason to refuse a picture.
func readPNG(raw []byte) (header, error) {
	h := header{turn: upright, pieces: [][]byte{raw[:len(pngMagic)]}}
	hasPixels := false
	for rest := raw[len(pngMagic):]; ; {
		if len(rest) == 0 && hasPixels {
			break
		}
		if len(rest) < 12 {
			return header{}, errChunks
		}
		size := int64(binary.BigEndian.Uint32(rest))
		if size > int64(len(rest))-12 {
			return header{}, errChunks
		}
		whole, name, body := rest[:12+size], string(rest[4:8]), rest[8:8+size]
		isRight := crc32.ChecksumIEEE(rest[4:8+size]) == binary.BigEndian.Uint32(rest[8+size:])
		rest = rest[12+size:]
		if h.width == 0 {
			if name != "IHDR" || size != 13 {
				return header{}, errChunks
			}
			if err := h.ihdr(body); err != nil {
				return header{}, err
			}
		}
		switch name {
		case "acTL":
			return header{}, refuse(nil, Animated)
		case "eXIf":
			if isRight {
				h.turn = orientation(body)
			}
		case "iCCP":
			if isRight {
				h.profile = pngProfile(body)
			}
		case "IDAT":
			hasPixels = true
		}
		if name == "IEND" {
			break
		}
		// An upper-case letter means that a picture cannot be read without the chunk; transparency is the exception.
		if name[0]&0x20 == 0 || name == "tRNS" {
			h.pieces = append(h.pieces, whole)
		}
	}
	h.pieces = append(h.pieces, pngEnd)
	return h, nil
}

func (h *header) ihdr(body []byte) error {
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width == 0 || height == 0 || width > 1<<24 || height > 1<<24 {
		return errChunks
	}
	h.width, h.height = int(width), int(height)
	each := int64(4) // of a pixel, at most
	if body[8] == 16 {
		each = 8
	}
	if body[12] != 0 { // interlaced: each pass is a picture of its own
		each *= 2
	}
	h.memory = int64(h.width) * int64(h.height) * each
	return nil
}

// errSurplus is what image/png says of a file with more data than pixels, which browsers show.
var errSurplus = png.FormatError("too much pixel data")

// withoutSurplus packs just the pixels anew.
func withoutSurplus(ctx context.Context, pieces [][]byte) ([][]byte, error) {
	var data [][]byte
	var out [][]byte // all chunks but the data
	for _, piece := range pieces {
		if len(piece) > 12 && string(piece[4:8]) == "IDAT" {
			data = append(data, piece[8:len(piece)-4])
		} else {
			out = append(out, piece)
		}
	}
	unpacked, err := zlib.NewReader(&reader{ctx: ctx, from: join(data)})
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(w, unpacked, pixelBytes(pieces[1][8:])); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(packed.Len()))
	chunk = append(append(chunk, "IDAT"...), packed.Bytes()...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	end := len(out) - 1
	return append(out[:end:end], chunk, out[end]), nil
}

// pixelBytes is the length of a picture's unpacked data: each line of each pass with its filter byte
// (PNG specification, 7.2 and 8.2). head is the body of the chunk IHDR.
func pixelBytes(head []byte) int64 {
	width, height := int64(binary.BigEndian.Uint32(head)), int64(binary.BigEndian.Uint32(head[4:]))
	channels := map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[head[9]]
	lines := func(width, height int64) int64 {
		if width <= 0 || height <= 0 {
			return 0
		}
		return height * (1 + (width*channels*int64(head[8])+7)/8)
	}
	if head[12] == 0 {
		return lines(width, height)
	}
	var all int64
	for _, pass := range []struct{ x, y, dx, dy int64 }{ // Adam7
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		all += lines((width-pass.x+pass.dx-1)/pass.dx, (height-pass.y+pass.dy-1)/pass.dy)
	}
	return all
}
