package credential

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/fxamacker/cbor/v2"
)

// Path is the path under which a token is redeemed, in the upper case of the QR. The router
// answers the lower case as well, since some readers change it.
const Path = "/V/"

const (
	// MaxScan bounds a text in which a token is looked for, in characters: a long message that was
	// pasted with its link.
	MaxScan = 16 << 10
	// maxStarts bounds the places of one text at which a token is looked for, from the last one on.
	maxStarts = 8
)

// URL is the text of the QR. Upper case throughout keeps it within the QR's alphanumeric mode,
// 5.5 bits a character; scheme and host mean the same in either case. base holds no path.
func URL(base *url.URL, token string) string {
	return strings.ToUpper(base.Scheme+"://"+base.Host) + Path + token
}

// tokenStart is how every token begins: tag, outer array and the unvarying part of the protected
// header. It finds a token behind any host and path, whatever a program made of the slashes.
var tokenStart = func() string {
	head := append([]byte{0xc0 | sign1Tag, 0x84, 0x40 + headerLen}, headerStart...)
	return text32.EncodeToString(head)[:len(head)*8/5] // whole characters only: the next byte varies
}()

// Candidates returns what may be tokens in a text that was scanned, pasted or opened as a link: a
// link with words around it, changed by an input method, wrapped, or read twice. The first one that
// redeems counts. For each beginning of a token, from the last one on, there are up to two: the run
// of the token's alphabet, ended by any other character or by white space; and the run with white
// space taken out, cut where the signed message ends. templates/static/verify/candidates.js does the
// same.
func Candidates(text string) []string {
	s, spaced, ok := foldScan(text)
	if !ok {
		return nil
	}
	var found []string
	for end, starts := len(s), 0; starts < maxStarts; starts++ {
		i := strings.LastIndex(s[:end], tokenStart)
		if i < 0 {
			break
		}
		end = i + len(tokenStart) - 1
		run := i
		for run < len(s) && inAlphabet(s[run]) && (run == i || !spaced[run]) {
			run++
		}
		found = appendNew(found, s[i:run])
		for run < len(s) && inAlphabet(s[run]) {
			run++
		}
		found = appendNew(found, cutMessage(s[i:min(run, i+maxToken)]))
	}
	return found
}

func appendNew(list []string, s string) []string {
	if s == "" || len(s) > maxToken || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// foldScan turns a text into the characters of the token's alphabet and full stops for all others.
// Letters are upper case, full-width forms are narrow, invisible characters are dropped. White
// space is dropped too; spaced marks the characters that follow some. ok is false where the text is
// too long.
func foldScan(text string) (folded string, spaced []bool, ok bool) {
	if len(text) > 4*MaxScan {
		return "", nil, false
	}
	out := make([]byte, 0, len(text))
	spaced = make([]bool, 0, len(text))
	gap, characters := false, 0
	for _, r := range text {
		if characters++; characters > MaxScan {
			return "", nil, false
		}
		if r > unicode.MaxASCII || !inAlphabet(byte(r)) { // most are of the alphabet: the tables are searched for the others only
			switch {
			case unicode.IsSpace(r):
				gap = true
				continue
			case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
				continue // marks that come along with copied text, or from a scanner
			case r >= '！' && r <= '～': // an input method was left on
				r -= 0xFEE0
			}
			if r >= 'a' && r <= 'z' { // and no other: the Turkish ı would become an I
				r -= 'a' - 'A'
			}
			if r > unicode.MaxASCII || !inAlphabet(byte(r)) {
				r = '.'
			}
		}
		out, spaced, gap = append(out, byte(r)), append(spaced, gap), false
	}
	return string(out), spaced, true
}

func inAlphabet(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' }

// cutMessage cuts a run of the token's alphabet where the message in it ends by its own account;
// empty where it is not complete.
func cutMessage(run string) string {
	padded := run + strings.Repeat("A", (8-len(run)%8)%8)
	data, err := text32.DecodeString(padded)
	if err != nil {
		return ""
	}
	var message cbor.RawMessage
	rest, err := decoder.UnmarshalFirst(data, &message)
	if err != nil {
		return ""
	}
	length := ((len(data)-len(rest))*8 + 4) / 5
	if length > len(run) {
		return ""
	}
	return run[:length]
}

var headerStart = []byte{0xa2, 0x01, 0x27, 0x04, 0x40 + kidBytes}

// hasHeaderStart reports whether a protected header has the one form that signMessage writes.
func hasHeaderStart(p []byte) bool { return len(p) == headerLen && bytes.HasPrefix(p, headerStart) }
