// Package person holds the rules on people that every other room relies on: identity numbers,
// names, phones, ages, guardians and passwords. Each value type is right once made: text is
// parsed at the edge, and only the type travels further. Failures are fault.Invalid with a
// sentence for the person, which never repeats what was typed.
package person

import (
	"strings"
	"unicode"

	"volcard/internal/fault"
)

func invalid(msg string) error { return fault.New(fault.Invalid, msg) }

// halfWidth folds the full-width forms that Chinese input methods type (U+FF01…U+FF5E) to ASCII.
func halfWidth(r rune) rune {
	if r >= 0xFF01 && r <= 0xFF5E {
		return r - 0xFEE0
	}
	return r
}

// invisible tells whether a rune is one that text pasted from a page or a chat carries unseen.
func invisible(r rune) bool {
	switch {
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2064, r == 0xFEFF, r == 0x00AD:
		return true
	}
	return false
}

// compact folds full-width forms and drops blanks and invisible runes. Numbers are typed and
// pasted with all of them, and must come out as one and the same key.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || invisible(r) {
			return -1
		}
		return halfWidth(r)
	}, s)
}
