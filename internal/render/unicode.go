package render

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"volcard/internal/fault"
)

// withUnicode tells the readers of a PDF which characters its codes stand for, so that
// a name can be searched, copied and read aloud with its true code points, rare ones
// too. gofpdf claims that codes are code points; this replaces that table in every font
// and moves the cross-reference table along.
func withUnicode(pdf []byte, codes map[rune]rune) ([]byte, error) {
	const (
		begin  = "/CIDInit /ProcSet findresource begin"
		prefix = "<</Length "
		end    = "\nendstream"
	)
	cmap := toUnicode(codes)
	var out bytes.Buffer
	var moves []move
	done := 0
	for {
		at := bytes.Index(pdf[done:], []byte(begin))
		if at < 0 {
			break
		}
		at += done
		from := bytes.LastIndex(pdf[:at], []byte(prefix))
		size := bytes.Index(pdf[at:], []byte(end))
		if from < done || size < 0 {
			return nil, fault.Wrap(fault.Internal, errors.New("render: gofpdf's ToUnicode has an unknown shape"), "证件生成失败")
		}
		out.Write(pdf[done:from])
		fmt.Fprintf(&out, "%s%d>>\nstream\n%s", prefix, len(cmap), cmap)
		done = at + size
		moves = append(moves, move{after: from, by: out.Len() - done})
	}
	out.Write(pdf[done:])
	return shiftXref(out.Bytes(), moves)
}

// move says that what stood behind a place in the old file stands further on by so much.
type move struct{ after, by int }

func shiftXref(pdf []byte, moves []move) ([]byte, error) {
	shift := func(old int) int {
		by := 0
		for _, m := range moves {
			if m.after < old {
				by = m.by
			}
		}
		return old + by
	}
	broken := fault.Wrap(fault.Internal, errors.New("render: gofpdf's xref has an unknown shape"), "证件生成失败")
	at := bytes.LastIndex(pdf, []byte("startxref\n"))
	if at < 0 {
		return nil, broken
	}
	old, tail, _ := strings.Cut(string(pdf[at+len("startxref\n"):]), "\n")
	n, err := strconv.Atoi(old)
	start := shift(n)
	if err != nil || start > at || !bytes.HasPrefix(pdf[start:], []byte("xref\n0 ")) {
		return nil, broken
	}
	table, rest := pdf[start:at], fmt.Sprintf("startxref\n%d\n%s", start, tail)
	for i := bytes.Index(table, []byte(" 65535 f \n")) + len(" 65535 f \n"); bytes.HasPrefix(table[i+10:], []byte(" 00000 n \n")); i += 20 {
		n, err := strconv.Atoi(string(table[i : i+10]))
		if err != nil {
			return nil, broken
		}
		copy(table[i:], fmt.Sprintf("%010d", shift(n)))
	}
	return append(pdf[:at:at], rest...), nil
}

// toUnicode is a CMap of single characters, at most a hundred in a block as Adobe's
// technical note 5411 asks.
func toUnicode(codes map[rune]rune) string {
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for block := range slices.Chunk(slices.Sorted(maps.Keys(codes)), 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for _, code := range block {
			fmt.Fprintf(&b, "<%04X> <", code)
			for _, unit := range utf16.AppendRune(nil, codes[code]) {
				fmt.Fprintf(&b, "%04X", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend")
	return b.String()
}
