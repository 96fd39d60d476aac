// Package typed brings what people type, paste and scan to the text that the rules read. Every field for a
// name, a number or a code goes through it, so that what one field forgives, all of them forgive.
//
// It knows characters by their ranges, not by the tables of the Go version at hand: a character that is
// newer than those tables is no symbol for that reason.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// runes is a list of ranges, each with its last character.
type runes [][2]rune

func (list runes) has(r rune) bool {
	for _, span := range list {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

// invisible are the characters without a shape of their own: what Unicode calls default ignorable
// (DerivedCoreProperties, version 17) and the format characters around annotations. Messengers put isolates
// around numbers, word processors joiners and soft hyphens inside, phones variation selectors behind digits.
var invisible = runes{
	{0x00AD, 0x00AD}, // soft hyphen
	{0x034F, 0x034F}, // combining grapheme joiner
	{0x061C, 0x061C}, // Arabic letter mark
	{0x115F, 0x1160},
	{0x3164, 0x3164},
	{0xFFA0, 0xFFA0}, // Hangul fillers
	{0x17B4, 0x17B5}, // Khmer inherent vowels
	{0x180B, 0x180F}, // Mongolian variation selectors
	{0x200B, 0x200F}, // zero-width space, joiners, direction marks
	{0x202A, 0x202E}, // embeddings and overrides of direction
	{0x2060, 0x206F}, // word joiner, isolates
	{0xFE00, 0xFE0F}, // variation selectors
	{0xFEFF, 0xFEFF}, // byte order mark
	{0xFFF0, 0xFFFB},
	{0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF}, // tags, ideographic variation selectors
}

// Invisible reports whether a character shows nothing by itself. A variation selector is one: it asks for a
// shape of the character before it, which stays the same character.
func Invisible(r rune) bool { return r >= 0xAD && invisible.has(r) }

// HalfWidth folds the full-width forms that Chinese input methods type (U+FF01…U+FF5E) to ASCII.
func HalfWidth(r rune) rune {
	if r >= 0xFF01 && r <= 0xFF5E {
		return r - 0xFEE0
	}
	return r
}

// Trim drops blanks and invisible characters at both ends: for a field whose inside is its own.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || Invisible(r) })
}

// Visible drops the invisible characters and nothing else.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if Invisible(r) {
			return -1
		}
		return r
	}, s)
}

// Compact folds full-width forms to ASCII and drops blanks, control characters and everything invisible.
// Numbers are typed, pasted and scanned with all of them, and come out as one and the same key.
func Compact(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || Invisible(r) {
			return -1
		}
		return HalfWidth(r)
	}, s)
}

// Upper makes ASCII letters upper case, and no others: the Turkish ı would become an I.
func Upper(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// Code is Compact in upper case for codes and for numbers that are printed in groups: it drops hyphens too.
func Code(s string) string {
	return strings.Map(func(r rune) rune {
		if hyphen(r) {
			return -1
		}
		return r
	}, Upper(Compact(s)))
}

// hyphen reports whether a character is a hyphen, a dash or a minus: all of them part groups of digits.
func hyphen(r rune) bool {
	switch {
	case r == '-', r >= 0x2010 && r <= 0x2015, r == 0x2212, r == 0xFE58, r == 0xFE63:
		return true
	}
	return false
}

// Digits reports whether s is n ASCII digits.
func Digits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}

// han are the ideographs of Unicode 17, block by block, and 〇. Radicals, strokes and the Hangzhou numerals share
// the script and are no characters of names.
var han = runes{
	{0x3007, 0x3007},
	{0x3400, 0x4DBF}, // extension A
	{0x4E00, 0x9FFF}, // unified ideographs
	{0xF900, 0xFA6D},
	{0xFA70, 0xFAD9},   // compatibility ideographs
	{0x20000, 0x2A6DF}, // extension B
	{0x2A700, 0x2B73F}, // C
	{0x2B740, 0x2B81D}, // D
	{0x2B820, 0x2CEAD}, // E
	{0x2CEB0, 0x2EBE0}, // F
	{0x2EBF0, 0x2EE5D}, // I
	{0x2F800, 0x2FA1D}, // compatibility supplement
	{0x30000, 0x3134A},
	{0x31350, 0x323AF}, // G, H
	{0x323B0, 0x33479}, // J
}

// IsHan reports whether r is a Han character, whether or not a font at hand draws it.
func IsHan(r rune) bool { return r >= 0x3007 && han.has(r) }

// pictures are the blocks of emoji and pictographs. Whatever a later version of Unicode adds to emoji stands in
// the last of them. Letterlike signs that addresses hold (№ ℃ ㎡ ① Ⅱ ○) stand elsewhere.
var pictures = runes{
	{0x20E3, 0x20E3}, // the keycap around a digit
	{0x231A, 0x231B},
	{0x23E9, 0x23FA},
	{0x25FB, 0x25FE}, // clocks and buttons
	{0x2600, 0x27BF}, // miscellaneous symbols, dingbats
	{0x2B05, 0x2B07},
	{0x2B1B, 0x2B1C},
	{0x2B50, 0x2B55},
	{0x1F000, 0x1FAFF},
}

// Text is free text as it is stored: invisible characters dropped, blanks and line breaks of every kind become
// one space, none at the ends. Characters are never replaced by a look-alike.
func Text(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case Invisible(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// RefuseText returns why a text for people to read, an address or the name of a unit, is not taken: the rest of
// a sentence that begins with the field's name. "" means it is taken.
func RefuseText(s string) string {
	if !utf8.ValidString(s) {
		return "中有无法识别的字符，请重新输入。"
	}
	for _, r := range s {
		switch {
		case pictures.has(r):
			return "中不能有表情符号。"
		case r == utf8.RuneError:
			return "中有无法识别的字符，请重新输入。"
		case unicode.Is(unicode.Co, r):
			return "中有系统自造的字，请用国家标准编码的汉字重新输入。"
		case unicode.IsControl(r), r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF:
			return "中有不能使用的字符。"
		}
	}
	return ""
}
