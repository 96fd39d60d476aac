package render

import (
	"fmt"
	"strings"

	"volcard/internal/fault"
)

// Code is a QR for a page: one SVG path in whole modules, without its quiet zone.
type Code struct {
	Path string
	Size int // modules on each side
}

// QR draws a text as a code for a page. The page gives it a light ground and four modules of
// quiet zone.
func QR(text string) (Code, error) {
	rows, err := encodeQR(text)
	if err != nil {
		return Code{}, fault.Wrap(fault.Internal, err, "二维码内容太长")
	}
	item := qrItem{Rows: rows}
	var b strings.Builder
	item.runs(func(x, y, n int) { fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, n, n) })
	return Code{Path: b.String(), Size: len(item.Rows)}, nil
}

// ViewBox is the svg's viewBox with the quiet zone.
func (c Code) ViewBox() string { return fmt.Sprintf("-4 -4 %d %d", c.Size+8, c.Size+8) }
