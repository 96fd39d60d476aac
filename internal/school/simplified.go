package school

import (
	_ "embed" // OpenCC's table of characters is data beside this file
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed TSCharacters.txt
var traditionalText string

// traditional maps a traditional character to the simplified one. Where there are several, OpenCC's first one
// counts: names and keywords are folded alike, so it decides nothing but which names differ.
var traditional = sync.OnceValue(func() map[rune]rune {
	table := make(map[rune]rune, 4200)
	for line := range strings.Lines(traditionalText) {
		from, to, found := strings.Cut(line, "\t")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		before, _ := utf8.DecodeRuneInString(from)
		after, _ := utf8.DecodeRuneInString(to)
		table[before] = after
	}
	return table
})

// simplified is the simplified character for a traditional one, and any other character itself.
func simplified(r rune) rune {
	if r < 0x3400 {
		return r
	}
	if s, ok := traditional()[r]; ok {
		return s
	}
	return r
}
