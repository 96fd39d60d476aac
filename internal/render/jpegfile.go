package render

import "bytes"

// wholeJPEG tells whether a JPEG's segments follow one another to the end of the image and
// nothing comes after it: that it was not cut and holds nothing but one picture. It reads
// no pixels, which would cost more than all else that a printed card costs: a picture that
// was confirmed was drawn from these bytes, and the hash that is compared covers them.
func wholeJPEG(data []byte) bool {
	const marker, start, scan, end = 0xFF, 0xD8, 0xDA, 0xD9
	if len(data) < 4 || data[0] != marker || data[1] != start {
		return false
	}
	data = data[2:]
	scans := 0
	for len(data) >= 4 && data[0] == marker && data[1] >= 0xC0 && data[1] != start && data[1] != end {
		kind, length := data[1], int(data[2])<<8|int(data[3])
		if length < 2 || len(data) < 2+length {
			return false
		}
		data = data[2+length:]
		if kind != scan {
			continue
		}
		scans++
		// In a scan, FF is data only before 0 and the restart markers D0 to D7.
		for {
			i := bytes.IndexByte(data, marker)
			if i < 0 || i+1 >= len(data) {
				return false
			}
			if next := data[i+1]; next != 0 && next&^7 != 0xD0 {
				data = data[i:]
				break
			}
			data = data[i+2:]
		}
	}
	return scans > 0 && len(data) == 2 && data[0] == marker && data[1] == end
}
