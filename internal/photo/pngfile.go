package photo

import (
	"encoding/binary"
	"errors"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var errChunks = errors.New("png: chunks do not fit the file")

// readPNG walks over the chunks of a PNG without decoding it.
func readPNG(raw []byte) (header, error) {
	h := header{turn: upright}
	for rest := raw[len(pngMagic):]; ; {
		if len(rest) < 12 {
			return header{}, errChunks
		}
		size := int64(binary.BigEndian.Uint32(rest))
		if size > int64(len(rest))-12 {
			return header{}, errChunks
		}
		name, body := string(rest[4:8]), rest[8:8+size]
		rest = rest[12+size:]
		switch {
		case h.width == 0:
			if name != "IHDR" || size != 13 {
				return header{}, errChunks
			}
			if err := h.ihdr(body); err != nil {
				return header{}, err
			}
		case name == "acTL":
			return header{}, refuse(nil, Animated)
		case name == "eXIf":
			h.turn = orientation(body)
		case name == "iCCP":
			h.profile = pngProfile(body)
		case name == "IEND":
			return h, nil
		}
	}
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
