package render

import (
	"errors"
	"math/bits"
	"sync"

	"rsc.io/qr/coding"
)

// qrLevel restores 15 % of damaged modules: room for a scratch, small enough to print.
const qrLevel = coding.M

// plans holds the fixed part of each version and mask: making one costs more than using it.
var plans sync.Map // planKey → *coding.Plan

type planKey struct {
	version coding.Version
	mask    coding.Mask
}

// encodeQR draws text in the smallest version that holds it, with the mask that
// ISO/IEC 18004 prefers. Rows hold true for dark. Upper-case text of the alphanumeric
// set needs a third less room.
func encodeQR(text string) ([][]bool, error) {
	var enc coding.Encoding = coding.Alpha(text)
	if enc.Check() != nil {
		enc = coding.String(text)
	}
	version := coding.Version(coding.MinVersion)
	for enc.Bits(version) > version.DataBytes(qrLevel)*8 {
		if version++; version > coding.MaxVersion {
			return nil, errors.New("render: text too long for a QR")
		}
	}
	var best [][]bool
	least := 0
	for mask := coding.Mask(0); mask < 8; mask++ {
		plan, err := planFor(planKey{version, mask})
		if err != nil {
			return nil, err
		}
		code, err := plan.Encode(enc)
		if err != nil {
			return nil, err
		}
		rows := unpack(code)
		if p := penalty(rows); best == nil || p < least {
			best, least = rows, p
		}
	}
	return best, nil
}

func planFor(key planKey) (*coding.Plan, error) {
	if p, ok := plans.Load(key); ok {
		return p.(*coding.Plan), nil
	}
	p, err := coding.NewPlan(key.version, qrLevel, key.mask)
	if err == nil {
		plans.Store(key, p)
	}
	return p, err
}

func unpack(c *coding.Code) [][]bool {
	all := make([]bool, c.Size*c.Size)
	rows := make([][]bool, c.Size)
	for y := range rows {
		rows[y] = all[y*c.Size : (y+1)*c.Size]
		for x := range rows[y] {
			rows[y][x] = c.Bitmap[y*c.Stride+x/8]>>(7-x&7)&1 == 1
		}
	}
	return rows
}

// line is a row or a column as bits; the largest code has 177 modules.
// It is a struct because the compiler keeps those in registers, arrays not.
type line struct{ a, b, c uint64 }

func (l line) shift(k uint) line {
	return line{l.a>>k | l.b<<(64-k), l.b>>k | l.c<<(64-k), l.c >> k}
}

func (l line) count() int {
	return bits.OnesCount64(l.a) + bits.OnesCount64(l.b) + bits.OnesCount64(l.c)
}

func (l line) and(m line) line { return line{l.a & m.a, l.b & m.b, l.c & m.c} }

// same has a bit wherever l and m agree.
func (l line) same(m line) line { return line{^(l.a ^ m.a), ^(l.b ^ m.b), ^(l.c ^ m.c)} }

func (l *line) set(i int) {
	switch bit := uint64(1) << (i % 64); i / 64 {
	case 0:
		l.a |= bit
	case 1:
		l.b |= bit
	default:
		l.c |= bit
	}
}

// ones is the lowest n bits.
func ones(n int) line {
	var l line
	for i := range n {
		l.set(i)
	}
	return l
}

// penalty weighs what makes a code hard to read (ISO/IEC 18004, 7.8.3), a line at a time.
func penalty(rows [][]bool) int {
	n, dark, sum := len(rows), 0, 0
	across, down := make([]line, n), make([]line, n)
	for y, row := range rows {
		for x, d := range row {
			if d {
				across[y].set(x)
				down[x].set(y)
				dark++
			}
		}
	}
	pairs, runs, finders := ones(n-1), ones(n-4), ones(n-10)
	for i := range n {
		for _, l := range []line{across[i], down[i]} {
			// A run of k ≥ 5 holds k-4 windows of five and costs k-2.
			s := l.same(l.shift(1))
			s = s.and(s.shift(1))
			five := s.and(s.shift(2)).and(runs)
			sum += five.count() + 2*five.and(five.shift(1).same(line{})).count()
			sum += 40 * (l.matches(0b10111010000).and(finders).count() + l.matches(0b00001011101).and(finders).count())
		}
		if i+1 < n {
			equal := across[i].same(across[i+1])
			sum += 3 * equal.and(equal.shift(1)).and(across[i].same(across[i].shift(1))).and(pairs).count()
		}
	}
	off := 100*dark/(n*n) - 50
	return sum + max(off, -off)/5*10
}

// matches has a bit wherever the eleven modules from there on are the pattern.
func (l line) matches(pattern uint) line {
	all := line{}.same(line{})
	for k := range uint(11) {
		s := l.shift(k)
		if pattern>>k&1 == 0 {
			s = s.same(line{})
		}
		all = all.and(s)
	}
	return all
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
