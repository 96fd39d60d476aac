package telemetry

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
)

const mask = "***"

// hidden are attribute keys whose values are never shown, whatever they look like.
var hidden = map[string]bool{
	"password": true, "passwd": true, "secret": true, "token": true, "cookie": true, "authorization": true,
	"id_number": true, "idnumber": true, "phone": true, "mobile": true, "address": true, "otp": true, "totp": true,
	"keyset": true, "index_key": true, "holder_name": true, "person_name": true, "guardian": true, "pickup_code": true,
}

var (
	idNumber = regexp.MustCompile(`[1-9][0-9]{16}[0-9Xx]`)
	phone    = regexp.MustCompile(`(?:\+|00)?(?:86[ -]?)?1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})`)
	smsCode  = regexp.MustCompile(`(?i)((?:code|验证码)[^0-9A-Za-z]{1,6}(?:is |为|是)?)[0-9]{6}`)
	sixDigit = regexp.MustCompile(`^[0-9]{6}$`)
)

// Redact is a slog.HandlerOptions.ReplaceAttr that masks ID numbers, mainland mobile numbers
// and 6-digit codes wherever they stand: in the message, in texts, errors, numbers, and inside
// of structs, maps and lists.
func Redact(_ []string, a slog.Attr) slog.Attr {
	key := strings.ToLower(a.Key)
	if hidden[key] {
		return slog.String(a.Key, mask)
	}
	a.Key = Mask(a.Key)
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(maskValue(key, v.String()))
	case slog.KindInt64, slog.KindUint64:
		if s := v.String(); maskValue(key, s) != s {
			a.Value = slog.StringValue(mask)
		}
	case slog.KindAny:
		a.Value = maskAny(key, v.Any())
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindTime, slog.KindGroup, slog.KindLogValuer:
		// A duration in nanoseconds may look like a phone number; none of these can hold one.
	}
	return a
}

func maskAny(key string, v any) slog.Value {
	switch x := v.(type) {
	case nil, slog.Level, *slog.Source:
		return slog.AnyValue(v)
	case error:
		return slog.StringValue(maskValue(key, x.Error()))
	case json.Marshaler:
	case fmt.Stringer:
		return slog.StringValue(maskValue(key, x.String()))
	case []byte:
		return slog.StringValue("[" + strconv.Itoa(len(x)) + " bytes]")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(Mask(fmt.Sprintf("%+v", v)))
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber() // a float64 would round an ID number instead of showing it
	var tree any
	if err := d.Decode(&tree); err != nil {
		return slog.StringValue(Mask(string(raw)))
	}
	return slog.AnyValue(maskTree(key, tree))
}

func maskTree(key string, v any) any {
	if hidden[key] {
		return mask
	}
	switch x := v.(type) {
	case string:
		return maskValue(key, x)
	case json.Number:
		if s := x.String(); maskValue(key, s) != s {
			return mask
		}
	case []any:
		for i := range x {
			x[i] = maskTree(key, x[i])
		}
	case map[string]any:
		masked := make(map[string]any, len(x))
		for k, e := range x {
			masked[Mask(k)] = maskTree(strings.ToLower(k), e)
		}
		return masked
	}
	return v
}

func maskValue(key, s string) string {
	if key == "code" && sixDigit.MatchString(s) {
		return mask
	}
	return Mask(s)
}

// Mask replaces what looks like an ID number, a mainland mobile number, or a code after the
// word for it. A UUID, a card number (14 digits) and a time in nanoseconds stay as they are.
func Mask(s string) string {
	if !digits(s, shortest) {
		return s
	}
	folded := strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s)
	out := replace(folded, idNumber)
	out = replace(out, phone)
	out = smsCode.ReplaceAllString(out, "${1}"+mask)
	if out == folded {
		return s
	}
	return out
}

// shortest is the number of digits of a code; every log line passes here, and few have that many.
const shortest = 6

func digits(s string, least int) bool {
	for _, r := range s {
		if (r >= '0' && r <= '9') || (r >= '０' && r <= '９') {
			if least--; least == 0 {
				return true
			}
		}
	}
	return false
}

// replace masks the matches that stand alone: digits on either side belong to a longer number.
// Where the match holds a separator, letters on either side count as well, for the sake of UUIDs.
func replace(s string, re *regexp.Regexp) string {
	var b strings.Builder
	done := 0
	for at := 0; at < len(s); {
		loc := re.FindStringIndex(s[at:])
		if loc == nil {
			break
		}
		from, to := at+loc[0], at+loc[1]
		if belongsToMore(s, from, to) {
			at = from + 1
			continue
		}
		b.WriteString(s[done:from])
		b.WriteString(mask)
		done, at = to, to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

func belongsToMore(s string, from, to int) bool {
	apart := strings.ContainsAny(s[from:to], " -")
	part := func(c byte) bool {
		return c >= '0' && c <= '9' || apart && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	return from > 0 && part(s[from-1]) || to < len(s) && part(s[to])
}
