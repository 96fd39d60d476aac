package person

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a password in code points. The upper one keeps a hash from being asked over a book.
const (
	PasswordMin = 8
	PasswordMax = 64
)

// common holds the passwords that satisfy the other rules and head every public leak list.
var common = map[string]bool{
	"a1234567": true, "a12345678": true, "a123456789": true, "aa123456": true, "aa12345678": true,
	"abc12345": true, "abc123456": true, "abcd1234": true, "abc123abc": true, "1234abcd": true,
	"123456ab": true, "123456aa": true, "12345678a": true, "123456789a": true, "123456abc": true,
	"password1": true, "password12": true, "password123": true, "passw0rd": true, "p@ssw0rd": true,
	"p@ssword1": true, "qwer1234": true, "qwerty123": true, "qwerty12": true, "qwe123456": true,
	"1q2w3e4r": true, "1q2w3e4r5t": true, "q1w2e3r4": true, "1qaz2wsx": true, "qazwsx123": true,
	"zxcvbnm123": true, "asd123456": true, "admin123": true, "admin1234": true, "admin123456": true,
	"woaini1314": true, "woaini520": true, "woaini123": true, "5201314a": true, "a5201314": true,
	"iloveyou1": true, "welcome1": true, "wang1234": true, "zhang123": true, "hubei123": true,
	"wuhan123": true, "volunteer1": true, "zhiyuan123": true, "zhiyuanzhe1": true,
}

// CheckPassword tells every reason why pw will not do; none means yes. The zero IDNumber and
// Phone are left out of account (staff have neither).
func CheckPassword(pw string, id IDNumber, phone Phone) []string {
	var reasons []string
	if n := utf8.RuneCountInString(pw); n < PasswordMin || n > PasswordMax {
		reasons = append(reasons, "密码应为 8 至 64 个字符。")
	}
	var letter, digit, control bool
	for _, r := range pw {
		letter = letter || unicode.IsLetter(r)
		digit = digit || unicode.IsDigit(r)
		control = control || unicode.IsControl(r) || r == unicode.ReplacementChar
	}
	if !letter || !digit {
		reasons = append(reasons, "密码至少要有一个字母和一个数字。")
	}
	if control {
		reasons = append(reasons, "密码中有不能使用的字符。")
	}
	low := strings.ToLower(pw)
	// The last six of the ID number are the usual first password of Chinese systems, and the
	// birthday is known to every acquaintance.
	if !id.IsZero() {
		s := strings.ToLower(id.s)
		if strings.Contains(low, s[12:]) || strings.Contains(low, s[6:14]) {
			reasons = append(reasons, "密码中不能有身份证号码的后六位或出生日期。")
		}
	}
	if !phone.IsZero() && (strings.Contains(low, phone.s) || strings.Contains(low, phone.s[3:])) {
		reasons = append(reasons, "密码中不能有您的手机号码。")
	}
	if common[low] {
		reasons = append(reasons, "这个密码太常见，容易被猜到。")
	}
	return reasons
}
