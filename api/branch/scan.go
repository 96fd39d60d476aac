package branch

import (
	"strings"

	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/person"
	"volcard/internal/typed"
)

// A scanner types like a keyboard. What arrives may be doubled, carry the symbology identifier
// of ISO/IEC 15424 ("]Q1", "]C1") or a label ("SN:") in front, end with blanks or control
// characters, or have gone through an input method that was left on.

// query is what the clerk's one field was found to hold. Exactly one member is set, or none.
type query struct {
	code        string // pickup code, 8 digits
	application string // application number
	card        string // card number, as printed
	scan        string // maybe the QR of a digital card: the text as it came
}

// minScan is shorter than any token: anything longer that is no number is taken for a QR.
const minScan = 30

// parseQuery tells what was typed or scanned. ok is false where it can be nothing we know.
func parseQuery(text string) (q query, ok bool) {
	if len(text) > maxInput { // a message that was pasted with its link, or nothing
		if len(credential.Candidates(text)) == 0 {
			return query{}, false
		}
		return query{scan: text}, true
	}
	s := clean(text)
	if plain := undouble(label(s)); plain != "" {
		if n, ok := card.ParseApplicationNumber(plain); ok {
			return query{application: n}, true
		}
		if n, ok := card.ParseCardNumber(plain); ok {
			return query{card: n}, true
		}
		if n, ok := card.ParsePickupCode(plain); ok {
			return query{code: n}, true
		}
	}
	if len(s) >= minScan {
		return query{scan: text}, true
	}
	return query{}, false
}

// maxInput bounds, in bytes, the text in which a number is looked for.
const maxInput = 4 << 10

// parseSerial reads the serial of a plastic card.
func parseSerial(text string) (string, bool) {
	if len(text) > maxInput {
		return "", false
	}
	return card.ParseSerial(undouble(label(clean(text))))
}

// parseTail reads the last four characters of an ID number; false where the text is no such thing,
// as a scan that went into the wrong field.
func parseTail(text string) (string, bool) {
	if len(text) > maxInput {
		return "", false
	}
	return person.ParseLast4(clean(text))
}

// clean folds width and case, and drops blanks, control and invisible characters, and the scanners'
// identifiers.
func clean(text string) string {
	s := typed.Upper(typed.Compact(text))
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == ']' && i+2 < len(s) && isLetter(s[i+1]) && (isLetter(s[i+2]) || isDigit(s[i+2])) {
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// label drops a label in front of a number, once or, after a doubled scan, twice.
func label(s string) string {
	at := strings.IndexByte(s, ':')
	if at < 0 || at > maxLabel {
		return s
	}
	return strings.ReplaceAll(s, s[:at+1], "")
}

const maxLabel = 6

// undouble halves a text that is the same twice. Half of a short one would be no number at all.
func undouble(s string) string {
	if half := len(s) / 2; len(s)%2 == 0 && half >= 6 && s[:half] == s[half:] {
		return s[:half]
	}
	return s
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
