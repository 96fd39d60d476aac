// Package credential signs and redeems what the QR of a card holds: both ends in one package. It
// knows the token's form, the keys that sign it, the published list of keys and the signed list
// of revoked cards. It knows no HTTP and no database; keys and revocations come through Source
// and Revocations.
//
// A token is a COSE_Sign1 message (RFC 9052, EdDSA over Ed25519) in base32. Its payload is a map
// with small integer keys and holds no personal number: card number, edition, first and last
// day, and the masked name, so that a page without network can show what the server would.
package credential

import (
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"volcard/internal/clock"
	"volcard/internal/fault"
)

// Claims are what a token says. Dates are days in Shanghai; the card is valid up to the end of
// ExpiresOn.
type Claims struct {
	CardNumber string
	Edition    string // "general" or "regular"
	MaskedName string
	IssuedOn   time.Time
	ExpiresOn  time.Time
}

// Why a token is not accepted. A token that is expired was read in full all the same.
var (
	// ErrMalformed: cut short, mistyped, or no token of ours at all.
	ErrMalformed error = fault.New(fault.Invalid, "二维码内容不完整或不是志愿者证的二维码。")
	// ErrUnknownKey: signed with a key that we never had, or that is past its last expiry.
	ErrUnknownKey error = fault.New(fault.Invalid, "这个二维码不是由本系统签发的。")
	// ErrSignature: the content was altered after it was signed.
	ErrSignature error = fault.New(fault.Invalid, "二维码的内容被改动过。")
	// ErrExpired: genuine, and past its last day.
	ErrExpired error = fault.New(fault.Invalid, "志愿者证已过有效期。")
	// ErrNoKey: no key to sign with was loaded yet.
	ErrNoKey error = fault.New(fault.Unavailable, "签发密钥暂不可用，请稍后再试。")
)

// editions are the numbers that stand for them in a token. None is 0, which a missing field would be.
var editions = map[string]uint64{"general": 1, "regular": 2}

func editionOf(n uint64) (string, bool) {
	for name, number := range editions {
		if number == n {
			return name, true
		}
	}
	return "", false
}

// cardNumber is a number that survives as an integer: no leading zero, within 64 bits.
var cardNumber = regexp.MustCompile(`^[1-9][0-9]{5,17}$`)

// maxName bounds the masked name in bytes. The longest that internal/person makes, 25 parts of
// one character, has 124.
const maxName = 130

// day counts days since 1970-01-01 in Shanghai.
func day(t time.Time) int64 {
	y, m, d := t.In(clock.Shanghai).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
}

func fromDay(n uint64) time.Time {
	t := time.Unix(int64(n)*secondsPerDay, 0).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, clock.Shanghai)
}

const (
	secondsPerDay = 24 * 60 * 60
	maxDay        = 100_000 // the year 2243: anything beyond is no date of a card
)

// wellFormed tells whether claims can be put into a token at all.
func (c Claims) wellFormed() bool {
	_, known := editions[c.Edition]
	first, last := day(c.IssuedOn), day(c.ExpiresOn)
	return known && cardNumber.MatchString(c.CardNumber) && nameOK(c.MaskedName) &&
		first > 0 && first <= last && last <= maxDay
}

func nameOK(s string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// equal compares what a token can carry: days, not hours.
func (c Claims) equal(o Claims) bool {
	return c.CardNumber == o.CardNumber && c.Edition == o.Edition && c.MaskedName == o.MaskedName &&
		day(c.IssuedOn) == day(o.IssuedOn) && day(c.ExpiresOn) == day(o.ExpiresOn)
}
