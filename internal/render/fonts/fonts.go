// Package fonts holds the typefaces of the cards and what print and screen need of them:
// which font has a glyph, how wide it is, its outline, and a subset to embed in a PDF.
//
// Noto Sans SC draws everything up to CJK extension A and the 8,105 characters of
// 通用规范汉字表. HanaMin A and B complete GB 18030-2022 level 3 (extensions B to F).
// scripts/build-fonts.sh makes the files.
package fonts

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"sync"
)

//go:embed *.ttf.gz
var files embed.FS

// ID names a font in a display list.
type ID string

// The fonts at hand. RareA holds the common characters in the style of RareB, so that
// a name with one rare character is set in one style.
const (
	Regular ID = "sans-regular"
	Bold    ID = "sans-bold"
	RareA   ID = "rare-a"
	RareB   ID = "rare-b"
)

type lazy struct {
	once sync.Once
	font *Font
	err  error
}

var loaded = map[ID]*lazy{Regular: {}, Bold: {}, RareA: {}, RareB: {}}

// Get returns a font, unpacked and parsed at its first use. It is safe for concurrent use.
func Get(id ID) (*Font, error) {
	l, ok := loaded[id]
	if !ok {
		return nil, fmt.Errorf("fonts: no font %q", id)
	}
	l.once.Do(func() { l.font, l.err = load(id) })
	return l.font, l.err
}

func load(id ID) (*Font, error) {
	data, err := Data(id)
	if err != nil {
		return nil, err
	}
	return parse(id, data)
}

// Data is the whole font file, for comparisons; Get and Subset are for use.
func Data(id ID) ([]byte, error) {
	packed, err := files.ReadFile(string(id) + ".ttf.gz")
	if err != nil {
		return nil, fmt.Errorf("fonts: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("fonts: %s: %w", id, err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("fonts: %s: %w", id, err)
	}
	return data, nil
}

// Run is a stretch of text in one font.
type Run struct {
	Font *Font
	Text string
}

// Pick splits text into runs of the fonts that draw it, in the order of preference
// given. A text that one wanted font draws whole stays in it; a text with a rare
// character is set whole in the rare pair where that draws all of it; otherwise fonts
// alternate. Runes without a glyph come back in missing, and then runs are nil.
func Pick(text string, wanted ...ID) (runs []Run, missing []rune, err error) {
	for _, id := range wanted {
		f, err := Get(id)
		if err != nil {
			return nil, nil, err
		}
		if f.HasAll(text) {
			return []Run{{f, text}}, nil, nil
		}
	}
	for _, order := range [][]ID{{RareA, RareB}, append(append([]ID{}, wanted...), RareB, RareA)} {
		runs, missing, err = alternate(text, order)
		if err != nil || len(missing) == 0 {
			return runs, missing, err
		}
	}
	return nil, missing, nil
}

func alternate(text string, order []ID) (runs []Run, missing []rune, err error) {
	seen := map[rune]bool{}
	for _, r := range text {
		var found *Font
		for _, id := range order {
			f, err := Get(id)
			if err != nil {
				return nil, nil, err
			}
			if f.Has(r) {
				found = f
				break
			}
		}
		switch {
		case found == nil:
			if !seen[r] {
				seen[r] = true
				missing = append(missing, r)
			}
		case len(runs) > 0 && runs[len(runs)-1].Font == found:
			runs[len(runs)-1].Text += string(r)
		default:
			runs = append(runs, Run{found, string(r)})
		}
	}
	if len(missing) > 0 {
		runs = nil
	}
	return runs, missing, nil
}
