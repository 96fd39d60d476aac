package render

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// slowPenalty is the standard's text, module by module.
func slowPenalty(rows [][]bool) int {
	n, dark, sum := len(rows), 0, 0
	at := func(y, x int, turned bool) bool {
		if turned {
			return rows[x][y]
		}
		return rows[y][x]
	}
	for _, turned := range []bool{false, true} {
		for y := range n {
			for x := 0; x < n; {
				run := 1
				for x+run < n && at(y, x+run, turned) == at(y, x, turned) {
					run++
				}
				if run >= 5 {
					sum += run - 2
				}
				x += run
			}
			for x := 0; x+11 <= n; x++ {
				var b strings.Builder
				for k := range 11 {
					b.WriteByte(map[bool]byte{false: '0', true: '1'}[at(y, x+k, turned)])
				}
				if b.String() == "10111010000" || b.String() == "00001011101" {
					sum += 40
				}
			}
		}
	}
	for y := range n {
		for x := range n {
			if rows[y][x] {
				dark++
			}
			if y+1 < n && x+1 < n && rows[y][x] == rows[y][x+1] && rows[y][x] == rows[y+1][x] && rows[y][x] == rows[y+1][x+1] {
				sum += 3
			}
		}
	}
	off := 100*dark/(n*n) - 50
	if off < 0 {
		off = -off
	}
	return sum + off/5*10
}

func TestPenalty(t *testing.T) {
	for _, length := range []int{1, 40, 150, 290, 600, 2000} {
		rows, err := encodeQR(strings.Repeat("A1-", length/3+1))
		require.NoError(t, err)
		require.Equal(t, slowPenalty(rows), penalty(rows), "%d modules", len(rows))
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{21, 57, 65, 129, 177}).Draw(t, "n")
		// Few words, repeated, so that long runs and finders turn up.
		words := rapid.SliceOfN(rapid.Uint64(), 4, 4).Draw(t, "words")
		rows := make([][]bool, n)
		for y := range rows {
			rows[y] = make([]bool, n)
			for x := range rows[y] {
				rows[y][x] = words[(y/5)%4]>>((x/2)%64)&1 == 1
			}
		}
		if got, want := penalty(rows), slowPenalty(rows); got != want {
			t.Fatalf("penalty %d, the standard says %d", got, want)
		}
	})
}

func TestQRTooLong(t *testing.T) {
	_, err := encodeQR(strings.Repeat("A", 5000))
	require.Error(t, err)
	_, err = QR(strings.Repeat("A", 5000))
	require.Error(t, err)
}
