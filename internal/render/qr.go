package render

import "github.com/skip2/go-qrcode"

// mostModules is the largest code of level M: on a card of 28.6 mm its modules have 0.41 mm.
const mostModules = 61

// encodeQR draws text in the smallest version that holds it. Level M restores 15 % of
// damaged modules: room for a scratch, small enough to print. Where that needs more than mostModules,
// level L (7 %) keeps the modules large enough. Rows hold true for dark.
// Upper-case text of the alphanumeric set needs a third less room.
func encodeQR(text string) ([][]bool, error) {
	rows, err := bitmap(text, qrcode.Medium)
	if err != nil || len(rows) <= mostModules {
		return rows, err
	}
	return bitmap(text, qrcode.Low)
}

func bitmap(text string, level qrcode.RecoveryLevel) ([][]bool, error) {
	code, err := qrcode.New(text, level)
	if err != nil {
		return nil, err
	}
	code.DisableBorder = true
	return code.Bitmap(), nil
}

// runs calls f for each row's unbroken stretches of dark modules.
func (q *qrItem) runs(f func(x, y, n int)) {
	for y, row := range q.Rows {
		for x := 0; x < len(row); x++ {
			n := 0
			for x+n < len(row) && row[x+n] {
				n++
			}
			if n > 0 {
				f(x, y, n)
				x += n
			}
		}
	}
}
