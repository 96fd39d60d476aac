package credential

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Path is the path under which a token is redeemed, in the upper case of the QR. The router
// answers the lower case as well, since some readers change it.
const Path = "/V/"

// maxScan bounds what is looked at: a doubled URL with a long host.
const maxScan = 4 << 10

// URL is the text of the QR. Upper case throughout keeps it within the QR's alphanumeric mode,
// 5.5 bits a character; scheme and host mean the same in either case. base holds no path.
func URL(base *url.URL, token string) string {
	return strings.ToUpper(base.Scheme+"://"+base.Host) + Path + token
}

// ParseScan finds the token in what a scanner or a keyboard gave: the URL in any case, with spaces
// or line breaks in between, scanned twice, or the bare token.
func ParseScan(text string) (string, error) {
	if len(text) > maxScan {
		return "", fmt.Errorf("%w (too long)", ErrMalformed)
	}
	s := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1 // zero-width marks come along with copied text
		case r >= '！' && r <= '～': // an input method was left on
			r -= 0xFEE0
		}
		if r >= 'a' && r <= 'z' { // and no other: the Turkish ı would become an I
			r -= 'a' - 'A'
		}
		return r
	}, text)
	if half := len(s) / 2; len(s)%2 == 0 && s[:half] == s[half:] {
		s = s[:half]
	}
	if i := strings.LastIndex(s, Path); i >= 0 {
		s = s[i+len(Path):]
	}
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	s = strings.TrimSuffix(s, "/")
	if len(s) < minToken || len(s) > maxToken {
		return "", fmt.Errorf("%w (length)", ErrMalformed)
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return "", fmt.Errorf("%w (characters)", ErrMalformed)
		}
	}
	return s, nil
}
