package card

import (
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"volcard/internal/clock"
	"volcard/internal/typed"
)

// Numbers. None is derived from an ID number (PIPL 6: least data), each has check digits, so that
// a slip of the keyboard is told apart from an unknown number.

// CardNumber makes a card number: 42 (Hubei), two digits of the year, eight of the sequence, and
// two check digits by ISO 7064 MOD 97-10. A number is never used again, voided or not.
func CardNumber(year int, sequence int64) string {
	body := fmt.Sprintf("42%02d%08d", year%100, sequence)
	return body + check97(body)
}

// ParseCardNumber takes a typed or scanned number: blanks, hyphens and invisible characters are ignored.
func ParseCardNumber(s string) (string, bool) {
	s = typed.Code(s)
	if !typed.Digits(s, 14) || !strings.HasPrefix(s, "42") {
		return "", false
	}
	return s, check97(s[:12]) == s[12:]
}

// SequenceOf returns the sequence within a card number as it is stored. It does not look at the check digits.
func SequenceOf(number string) (int64, bool) {
	if !typed.Digits(number, 14) || !strings.HasPrefix(number, "42") {
		return 0, false
	}
	n, err := strconv.ParseInt(number[4:12], 10, 64)
	return n, err == nil
}

// check97 gives the two check digits that make the whole number ≡ 1 (mod 97).
func check97(body string) string {
	n, err := strconv.ParseInt(body, 10, 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%02d", 98-(n*100)%97)
}

// The seven digits of an application number: those below restoredNumbers on a usual day, and a block of
// restoredBlock for each time that the database was restored on the day. Numbers that were lost are not drawn again.
const (
	restoredNumbers = 8_000_000
	restoredBlock   = 500_000
	mostRestores    = (10_000_000 - restoredNumbers) / restoredBlock
)

// ApplicationNumber makes the number by which an applicant finds the case: HB, the day in
// Shanghai, seven random digits, and a Luhn check digit. restores is how often the database was restored on that
// day. random is crypto/rand's reader.
func ApplicationNumber(at time.Time, restores int, random io.Reader) (string, error) {
	first, count := int64(0), int64(restoredNumbers)
	if restores > 0 {
		if restores > mostRestores {
			return "", fmt.Errorf("card: no application numbers are left after %d restores in a day", restores)
		}
		first, count = restoredNumbers+int64(restores-1)*restoredBlock, restoredBlock
	}
	n, err := randomBelow(random, count)
	if err != nil {
		return "", err
	}
	body := at.In(clock.Shanghai).Format("060102") + fmt.Sprintf("%07d", first+n)
	return "HB" + body + luhn(body), nil
}

// ParseApplicationNumber takes a typed number: case, blanks, hyphens and invisible characters are ignored.
func ParseApplicationNumber(s string) (string, bool) {
	s = typed.Code(s)
	body, found := strings.CutPrefix(s, "HB")
	if !found || !typed.Digits(body, 14) {
		return "", false
	}
	return s, luhn(body[:13]) == body[13:]
}

// PickupCode makes the eight digits that an applicant shows at the counter.
func PickupCode(random io.Reader) (string, error) {
	n, err := randomBelow(random, 100_000_000)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%08d", n), nil
}

// ParsePickupCode takes a typed or scanned code.
func ParsePickupCode(s string) (string, bool) {
	s = typed.Code(s)
	if !typed.Digits(s, 8) {
		return "", false
	}
	return s, true
}

// ParseSerial takes the serial of a stock card as a scanner or a keyboard gives it: case, blanks, hyphens
// and invisible characters are ignored, a doubled scan (the same text twice) counts once.
func ParseSerial(s string) (string, bool) {
	s = typed.Code(s)
	if half := len(s) / 2; len(s)%2 == 0 && half >= 6 && s[:half] == s[half:] {
		s = s[:half]
	}
	if len(s) < 6 || len(s) > 20 {
		return "", false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return "", false
		}
	}
	return s, true
}

// SerialRange lists the serials from first to last, which differ only in their trailing digits.
// At most limit serials; false where the ends do not make a range.
func SerialRange(first, last string, limit int) ([]string, bool) {
	first, ok1 := ParseSerial(first)
	last, ok2 := ParseSerial(last)
	if !ok1 || !ok2 || len(first) != len(last) {
		return nil, false
	}
	head := strings.TrimRight(first, "0123456789")
	digits := len(first) - len(head)
	if digits > 18 { // more does not fit an int64; the head then keeps the surplus digits
		head, digits = first[:len(first)-18], 18
	}
	if digits == 0 || !strings.HasPrefix(last, head) {
		return nil, false
	}
	from, err1 := strconv.ParseInt(first[len(head):], 10, 64)
	to, err2 := strconv.ParseInt(last[len(head):], 10, 64)
	if err1 != nil || err2 != nil || to < from || to-from >= int64(limit) {
		return nil, false
	}
	serials := make([]string, 0, to-from+1)
	for n := from; n <= to; n++ {
		serials = append(serials, fmt.Sprintf("%s%0*d", head, digits, n))
	}
	return serials, true
}

func randomBelow(random io.Reader, limit int64) (int64, error) {
	// Eight bytes against at most 10^8 values: the bias is below 2^-37.
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0, fmt.Errorf("card: random: %w", err)
	}
	n := new(big.Int).SetBytes(b[:])
	return n.Mod(n, big.NewInt(limit)).Int64(), nil
}

func luhn(body string) string {
	sum, double := 0, true
	for i := len(body) - 1; i >= 0; i-- {
		d := int(body[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return strconv.Itoa((10 - sum%10) % 10)
}
