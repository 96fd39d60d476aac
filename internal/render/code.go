package render

import (
	"fmt"
	"strings"

	"volcard/internal/fault"
)

// quietZone is the light margin that a QR needs, in modules.
const quietZone = 4

// Code is a QR for a screen: one SVG path in whole modules, without its quiet zone.
type Code struct {
	Path string
	Size int // modules on each side
}

// QR draws a text as a code for a screen. A page that shows Path itself gives it a light ground.
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
func (c Code) ViewBox() string {
	return fmt.Sprintf("-%d -%d %d %d", quietZone, quietZone, c.Size+2*quietZone, c.Size+2*quietZone)
}

// SVG is the code as a file, on white.
func (c Code) SVG() []byte {
	side := c.Size + 2*quietZone
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M-%d -%dh%dv%dh-%dz"/><path d="%s"/></svg>`, c.ViewBox(), quietZone, quietZone, side, side, side, c.Path)
}
