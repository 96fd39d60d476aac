package person

import (
	"fmt"
	"log/slog"
	"strings"

	"volcard/internal/typed"
)

// Phone is a mobile number of the mainland, 11 digits. However it was typed, one number is one
// text: limits and blind indexes are keyed on it. The zero value stands for "none".
type Phone struct{ s string }

// ParsePhone reads a number with or without +86, blanks, hyphens and full-width digits.
func ParsePhone(in string) (Phone, error) {
	s := strings.Map(func(r rune) rune {
		switch r {
		case '(', ')', '.':
			return -1
		}
		return r
	}, typed.Code(in))
	if s == "" {
		return Phone{}, invalid("请填写手机号码。")
	}
	switch {
	case strings.HasPrefix(s, "+86"):
		s = s[3:]
	case strings.HasPrefix(s, "0086"):
		s = s[4:]
	case strings.HasPrefix(s, "+"):
		return Phone{}, invalid("目前只支持中国内地的手机号码。")
	case len(s) == 13 && strings.HasPrefix(s, "86"):
		s = s[2:]
	}
	if strings.Trim(s, "0123456789") != "" {
		return Phone{}, invalid("手机号码只能由数字组成。")
	}
	if len(s) != 11 {
		return Phone{}, invalid("手机号码应为 11 位。")
	}
	if s[0] != '1' || s[1] < '3' {
		return Phone{}, invalid("这不是手机号码，请填写以 13 至 19 开头的号码。")
	}
	return Phone{s}, nil
}

// String is the full number.
func (p Phone) String() string { return p.s }

// LogValue keeps the number out of the log.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// Format makes every verb, and so every template, print the masked form: only an explicit
// String() tells the number.
func (p Phone) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.Masked())) }

// IsZero tells whether there is no number.
func (p Phone) IsZero() bool { return p.s == "" }

// Masked is 138****5678.
func (p Phone) Masked() string {
	if p.s == "" {
		return ""
	}
	return p.s[:3] + "****" + p.s[7:]
}

// MarshalText writes the full number, for sealed columns.
func (p Phone) MarshalText() ([]byte, error) { return []byte(p.s), nil }

// UnmarshalText parses, so that a Phone read back is as right as one that was typed.
func (p *Phone) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*p = Phone{}
		return nil
	}
	*p, err = ParsePhone(string(b))
	return err
}
