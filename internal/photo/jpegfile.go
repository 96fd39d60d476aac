package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// maxScans bounds the scans of a progressive JPEG. A scan of a dozen bytes makes a decoder walk
// over the whole picture; cameras write about ten.
const maxScans = 64

var errMarkers = errors.New("jpeg: segments do not fit the file")

// endOfImage is what a file that breaks off behind its last scan gets for an end: the decoder then decides
// whether the picture was whole.
var endOfImage = []byte{0xff, 0xd9}

// readJPEG walks over the segments of a JPEG without decoding it.
func readJPEG(raw []byte) (header, error) {
	h := header{turn: upright, pieces: [][]byte{raw}}
	scans, plain := 0, false
	for i := 2; ; {
		before := i
		next, marker := nextMarker(raw, i)
		if marker == 0xd9 { // end of image
			break
		}
		body, ok := segment(raw, next, marker)
		if !ok && scans > 0 {
			// No end, or something of the phone's own behind the last scan.
			end := len(raw)
			if marker != 0 {
				end = next - 2
			}
			h.pieces = [][]byte{raw[:max(end, before)], endOfImage}
			break
		}
		if !ok {
			return header{}, errMarkers
		}
		i = next + 2 + len(body)
		switch {
		case marker == 0xe1 && h.turn == upright:
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				h.turn = orientation(tiff)
			}
		case marker == 0xe2:
			// The one of one; a profile in several pieces is larger than any that is known here.
			if profile, ok := bytes.CutPrefix(body, []byte("ICC_PROFILE\x00\x01\x01")); ok {
				h.profile = profile
			}
		case marker == 0xee:
			plain = plain || len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")) && body[11] == 0
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			if err := h.frame(marker, body); err != nil {
				return header{}, err
			}
			plain = plain || body[5] == 3 && body[6] == 'R' && body[9] == 'G' && body[12] == 'B'
		case marker == 0xda:
			if scans++; scans > maxScans {
				return header{}, refuse(nil, OtherFormat)
			}
		}
	}
	if h.width == 0 || h.height == 0 || scans == 0 {
		return header{}, errMarkers
	}
	if plain { // red, green and blue as they are: the decoder makes a second picture of them
		h.memory += 4 * int64(h.width) * int64(h.height)
	}
	return h, nil
}

// segment is the body of the segment whose marker ends before i; false where none fits there.
func segment(raw []byte, i int, marker byte) ([]byte, bool) {
	if marker < 0xc0 || i+2 > len(raw) {
		return nil, false
	}
	size := int(binary.BigEndian.Uint16(raw[i:]))
	if size < 2 || i+size > len(raw) {
		return nil, false
	}
	return raw[i+2 : i+size], true
}

// nextMarker finds the next marker from i on, skipping compressed data, and returns where its
// segment begins. Marker 0 means that there is none.
func nextMarker(raw []byte, i int) (int, byte) {
	for {
		k := bytes.IndexByte(raw[min(i, len(raw)):], 0xff)
		if k < 0 {
			return i, 0
		}
		i += k + 1
		for i < len(raw) && raw[i] == 0xff { // fill bytes
			i++
		}
		if i >= len(raw) {
			return i, 0
		}
		// 00 is a data byte of FF; 01 and D0 to D8 stand alone.
		if m := raw[i]; m != 0 && m != 1 && (m < 0xd0 || m > 0xd8) {
			return i + 1, m
		}
		i++
	}
}

// frame reads the start of a frame: size, colours and what decoding will take.
func (h *header) frame(marker byte, body []byte) error {
	if marker > 0xc2 { // lossless, hierarchical, arithmetic
		return refuse(nil, RareJPEG)
	}
	if len(body) < 6 || len(body) < 6+3*int(body[5]) || h.width != 0 {
		return errMarkers
	}
	h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	samples, most := 0, 1
	for k := range int(body[5]) {
		across, down := int(body[7+3*k]>>4), int(body[7+3*k]&15)
		samples, most = samples+across*down, max(most, across*down)
	}
	if body[5] == 4 {
		return refuse(nil, PrintColours)
	}
	pixels := int64(h.width) * int64(h.height)
	h.memory = pixels*int64(samples)/int64(most) + 1
	if marker == 0xc2 { // a progressive picture is kept as 32-bit coefficients as well
		h.memory *= 5
	}
	return nil
}

// orientation reads tag 0x0112 of the first directory of a TIFF structure, and nothing else.
func orientation(tiff []byte) turn {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			break
		}
		// A SHORT stands left in its field of four bytes.
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 {
			return exifTurn(int(order.Uint16(entries[8:])))
		}
		entries = entries[12:]
	}
	return upright
}
