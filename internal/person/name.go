package person

import (
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"volcard/internal/typed"
)

// NameLimit is the length of a name in code points that the rule on names of minorities asks
// systems to hold (国家民委等 on the separation dot).
const NameLimit = 50

// Name is a person's name as the identity document shows it: Han characters of every Unicode
// block, or Latin letters on a foreigner's card, with the separation dot · (U+00B7) between parts.
//
// One character is enough. Names of one character stand on identity cards, and who is refused
// here has no other way in; what proves the person is the number, not the name's length.
type Name struct{ s string }

// ParseName reads a name as a person types it: folds the look-alikes of the dot, full-width forms
// and invisible runes, and joins Han characters that were spaced apart ("张　三"). Characters are
// never replaced by a look-alike: compatibility ideographs stay as they are, because the
// document's character is the name. NFC is applied to Latin text only for that reason.
func ParseName(in string) (Name, error) {
	if !utf8.ValidString(in) {
		return Name{}, invalid("姓名中有无法识别的字符，请重新输入。")
	}
	if len(in) > 8*NameLimit*utf8.UTFMax {
		return Name{}, invalid("姓名最多 50 个字。")
	}
	rs := foldName(in)
	if len(rs) == 0 {
		return Name{}, invalid("请填写姓名。")
	}
	for _, r := range rs {
		if msg := refuseRune(r); msg != "" {
			return Name{}, invalid(msg)
		}
	}
	if len(rs) > NameLimit {
		return Name{}, invalid("姓名最多 50 个字。")
	}
	letters := 0
	for i, r := range rs {
		switch {
		case r == '·' && (i == 0 || i == len(rs)-1):
			return Name{}, invalid("间隔号“·”不能在姓名的开头或结尾。")
		case r == '·' && rs[i-1] == '·':
			return Name{}, invalid("姓名中的间隔号“·”不能连续出现。")
		case strings.ContainsRune(".'-", r) && (i == 0 || !isLatin(rs[i-1])):
			return Name{}, invalid("姓名中的点、撇和连字符只能跟在拉丁字母后面。")
		case isLetter(r):
			letters++
		}
	}
	if letters == 0 || !isLetter(rs[0]) {
		return Name{}, invalid("姓名应以汉字或字母开头。")
	}
	return Name{string(rs)}, nil
}

// dots are the characters that keyboards, fonts and earlier systems put for the separation dot U+00B7
// (w3c/clreq#512). U+A78F is a letter to Unicode, the others are signs.
const dots = "\u0387\u02D9\u0701\u1427\u16EB\u2022\u2024\u2027\u2218\u2219\u22C5\u25CF\u25E6\u2981\u2E30\u2E31\u2E33\u30FB\u318D\uA78F\uFE52\uFF0E\uFF65\U00010101"

// foldName brings all ways to type one name to one text.
func foldName(in string) []rune {
	rs := make([]rune, 0, len(in)/3+1)
	for _, r := range in {
		switch {
		case typed.Invisible(r):
			continue // so is a variation selector, ideographic ones too: no document's text has one
		case unicode.IsSpace(r):
			r = ' '
		case r >= 0x2F00 && r <= 0x2FD5:
			// Kangxi radicals come from text copied out of PDF files; each has one ideograph.
			r, _ = utf8.DecodeRuneInString(norm.NFKC.String(string(r)))
		case r != '．':
			r = typed.HalfWidth(r)
		}
		if strings.ContainsRune(dots, r) {
			r = '·'
		}
		switch r {
		case '。', '｡':
			r = '.' // what an input method makes of a full stop: between Han characters a dot
		case '’', '‘', 'ʼ', '`', '´':
			r = '\''
		case '‐', '‑', '–':
			r = '-'
		}
		rs = append(rs, r)
	}
	return tidyName(composeLatin(rs))
}

// tidyName settles what depends on neighbours: blanks beside Han or a dot go, others become one;
// a full stop between Han characters is a dot.
func tidyName(rs []rune) []rune {
	out := make([]rune, 0, len(rs))
	for i, r := range rs {
		if r == ' ' {
			if len(out) == 0 || out[len(out)-1] == ' ' {
				continue
			}
			next, ok := nextNonSpace(rs, i)
			last := out[len(out)-1]
			if !ok || next == '·' || last == '·' || (isHan(last) && isHan(next)) {
				continue
			}
		}
		out = append(out, r)
	}
	for i := 1; i < len(out)-1; i++ {
		if out[i] == '.' && isHan(out[i-1]) && isHan(out[i+1]) {
			out[i] = '·'
		}
	}
	return out
}

func nextNonSpace(rs []rune, i int) (rune, bool) {
	for ; i < len(rs); i++ {
		if rs[i] != ' ' {
			return rs[i], true
		}
	}
	return 0, false
}

// composeLatin applies NFC between the Han characters, never to them.
func composeLatin(rs []rune) []rune {
	var out []rune
	for i := 0; i < len(rs); {
		if ideograph(rs[i]) {
			out = append(out, rs[i])
			i++
			continue
		}
		j := i
		for j < len(rs) && !ideograph(rs[j]) {
			j++
		}
		out = append(out, []rune(norm.NFC.String(string(rs[i:j])))...)
		i = j
	}
	return out
}

// ideograph takes in radicals as well, which NFC leaves alone anyway.
func ideograph(r rune) bool { return isHan(r) || unicode.Is(unicode.Han, r) }

func refuseRune(r rune) string {
	switch {
	case isLetter(r), r == '·', r == ' ', r == '\'', r == '-', r == '.':
		return ""
	case unicode.IsDigit(r):
		return "姓名中不能有数字。"
	case r == '?', r == unicode.ReplacementChar:
		return "姓名中有无法识别的字符（显示为问号），请重新输入原字。"
	case unicode.Is(unicode.Co, r):
		return "姓名中有系统自造的字，请用国家标准编码的汉字重新输入（可用手写输入法）。"
	case unicode.Is(unicode.Letter, r):
		return "请按身份证件上的汉字填写姓名；外籍人士填写拉丁字母。"
	}
	return "姓名中不能有符号、表情或控制字符。"
}

func isLetter(r rune) bool { return isHan(r) || isLatin(r) }

func isLatin(r rune) bool { return unicode.Is(unicode.Latin, r) && unicode.IsLetter(r) }

func isHan(r rune) bool { return typed.IsHan(r) }

// CheckDocument returns why a name cannot stand on the document with this number; "" means that it can. An identity
// card of the mainland shows Han characters and the separation dot (居民身份证法 4); permits of people from Hong Kong,
// Macao and Taiwan and foreigners' residence cards may show Latin letters.
func (n Name) CheckDocument(id IDNumber) string {
	if id.IsZero() || id.ResidencePermit() || id.PermanentResident() || !strings.ContainsFunc(n.s, isLatin) {
		return ""
	}
	return "居民身份证上的姓名是汉字，请按身份证填写，不要用拼音或英文字母。"
}

// String is the full name.
func (n Name) String() string { return n.s }

// IsZero tells whether there is no name.
func (n Name) IsZero() bool { return n.s == "" }

// Masked keeps the first character of each part: 王*, 阿*****·买**, J*** S****. Where that would hide no letter, as
// in 张·三 or J. S., only the name's first one stays; a name of a single character shows nothing of itself.
func (n Name) Masked() string {
	rs := []rune(n.s)
	if len(rs) == 1 {
		return "*"
	}
	masked, hides := maskParts(rs)
	if hides {
		return masked
	}
	for i, r := range rs {
		if i > 0 && isLetter(r) {
			rs[i] = '*'
		}
	}
	return string(rs)
}

// maskParts keeps the first character of each part. It reports whether a letter went.
func maskParts(name []rune) (masked string, hides bool) {
	rs := slices.Clone(name)
	first := true
	for i, r := range rs {
		switch {
		case r == '·' || r == ' ':
			first = true
		case first:
			first = false
		default:
			hides = hides || isLetter(r)
			rs[i] = '*'
		}
	}
	return string(rs), hides
}

// IsMask reports whether mask is what a token of this system says for a stored name: by today's rule, or by the
// earlier one, which hid nothing of a name whose parts have one letter each, and which took a dot that was no
// U+00B7 for a letter. Tokens that are signed keep the mask that they were signed with.
func IsMask(mask, stored string) bool {
	if name, err := ParseName(stored); err == nil && mask == name.Masked() {
		return true
	}
	earlier, _ := maskParts([]rune(stored))
	return utf8.RuneCountInString(stored) > 1 && mask == earlier
}

// LogValue keeps names out of the log.
func (n Name) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// MarshalText writes the full name.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.s), nil }

// UnmarshalText parses, so that a Name read back is as right as one that was typed.
func (n *Name) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*n = Name{}
		return nil
	}
	*n, err = ParseName(string(b))
	return err
}
