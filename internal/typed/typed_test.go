package typed_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/typed"
)

func TestCompactAndCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{ // as Compact, as Code
		"":                           {"", ""},
		" 12\u00a034\u300056\t\r\n":  {"123456", "123456"},
		"１２－ａｂ":                      {"12-ab", "12AB"},
		"12\u201334\u221256\ufe6378": {"12\u201334\u221256\ufe6378", "12345678"},
		"\u2068hb\u206926\x1d":       {"hb26", "HB26"},
		"1\ufe0f2\U000E01003":        {"123", "123"},
		"ıſé":                        {"ıſé", "ıſé"}, // no letter of another alphabet becomes one of a code
		"一②":                         {"一②", "一②"},
	} {
		require.Equal(t, want[0], typed.Compact(in), "%q", in)
		require.Equal(t, want[1], typed.Code(in), "%q", in)
	}
	require.True(t, typed.Digits("0123", 4))
	for _, s := range []string{"", "012", "01234", "012x", "０１２３", "01²"} {
		require.False(t, typed.Digits(s, 4), s)
	}
}

// The ranges hold everything that this Go version knows to be invisible, and nothing that it knows to be seen.
func TestInvisibleAgainstTheTables(t *testing.T) {
	t.Parallel()
	letters := map[rune]bool{0x115F: true, 0x1160: true, 0x3164: true, 0xFFA0: true}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		known := unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		switch {
		case unicode.In(r, unicode.Prepended_Concatenation_Mark), r >= 0x13430 && r <= 0x1345F:
			require.False(t, typed.Invisible(r), "%U encloses or joins what is seen", r)
		case known:
			require.True(t, typed.Invisible(r), "%U", r)
		case typed.Invisible(r):
			require.True(t, letters[r] || !unicode.IsGraphic(r), "%U is seen", r)
		}
	}
}

// IsHan is the Han characters of this Go version and the blocks that are newer.
func TestHanAgainstTheTables(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Han, r) && (unicode.Is(unicode.Lo, r) || r == '〇') {
			require.True(t, typed.IsHan(r), "%U", r)
		} else if typed.IsHan(r) {
			require.True(t, r > 0x2B739 && !unicode.IsGraphic(r), "%U is something else", r)
		}
	}
	for _, r := range []rune{0x2EBF0, 0x2EE5D, 0x323B0, 0x33479, 0x2B73F, 0x2CEAD, '𠮷', '〇'} {
		require.True(t, typed.IsHan(r), "%U", r)
	}
	for _, r := range []rune{'々', '〡', '⼀', 'あ', 'A', 0x2EE5E, 0x3347A, 0x3FFFF} {
		require.False(t, typed.IsHan(r), "%U", r)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", " \u2068\u3000\ufeff ": "", "珞喻路\u200b1037号": "珞喻路1037号", "东湖\r\n 高新区\u2069": "东湖 高新区",
		"\ufa0e路": "\ufa0e路", "Ａ座": "Ａ座", // nothing becomes a look-alike
	} {
		require.Equal(t, want, typed.Text(in), "%q", in)
	}
}

func TestRefuseText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "珞喻路 1037 号 №2-1（A座）", "㎡℃①Ⅱ㈠○×°", "𠮷田路", "\U0002EBF0路", "\U000323B0村", "Ströbel & Co.", "二〇八厂", "བོད་ལྗོངས།",
	} {
		require.Empty(t, typed.RefuseText(s), s)
	}
	for s, part := range map[string]string{
		"武汉😀": "表情", "☎️ 1 号": "表情", "🏫": "表情", "❤路": "表情", "1\u20e3": "表情", "🇨🇳": "表情", "🈶": "表情", "\U0001FAE9": "表情",
		"路\ue863": "自造", "路\U000F0001": "自造", "路\ufffd": "无法识别", "路\xff": "无法识别", "路\x00": "不能使用", "路\ufdd0": "不能使用", "路\uffff": "不能使用",
	} {
		require.Contains(t, typed.RefuseText(s), part, "%q", s)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		for name, fn := range map[string]func(string) string{
			"Compact": typed.Compact, "Code": typed.Code, "Text": typed.Text, "Trim": typed.Trim, "Visible": typed.Visible,
		} {
			once := fn(s)
			require.Equal(t, once, fn(once), "%s is settled after once", name)
			require.True(t, utf8.ValidString(once) || !utf8.ValidString(s), name)
		}
		require.False(t, strings.ContainsFunc(typed.Text(s), typed.Invisible))
	})
}
