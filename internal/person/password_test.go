package person_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"volcard/internal/person"
)

const tooCommon = "这个密码太常见，容易被猜到。"

func judge(pw string) []string { return person.CheckPassword(pw, person.IDNumber{}, person.Phone{}) }

// Each of the listed passwords would do but for the list, and is refused in any case and width.
func TestListedPasswords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("passwords.txt")
	require.NoError(t, err)
	list := strings.Fields(string(raw))
	require.Len(t, list, 3000)
	seen := map[string]bool{}
	wide := func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r + 0xFEE0
		}
		return r
	}
	for _, pw := range list {
		require.False(t, seen[pw], pw)
		seen[pw] = true
		for _, typed := range []string{pw, strings.ToUpper(pw), strings.Map(wide, pw)} {
			require.Equal(t, []string{tooCommon}, judge(typed), typed)
		}
	}
}

// Words of this place with digits, walks over the keyboard, and what repeats itself.
func TestCommonPasswords(t *testing.T) {
	t.Parallel()
	for _, pw := range []string{
		"hubei2026", "Hubei@2026", "WuHan20260101", "zhiyuanzhe1", "ZhiYuan-123", "volunteer1", "volcard2026", "woaiwuhan520", "武汉大学2026",
		"志愿者12345", "yichang88", "2026hubei!", "mima1234", "whu12345", "wang1234", "zhang123", "woaini1314", "5201314a", "a5201314", "admin1234",
		"1qaz2wsx3edc", "zaq1xsw2", "qwer1234", "1234qwer", "qwe123asd", "1q2w3e4r5t", "a1b2c3d4e5", "abcd12345", "aaaa1111", "0987poiu", "x1234567",
		"a1a1a1a1a1", "ab12ab12ab12", "aa12345678", "qq123456",
	} {
		require.Equal(t, []string{tooCommon}, judge(pw), pw)
	}
	for _, pw := range []string{
		"correct horse 8", "zhihui7hao", "Yuan7-river", "River-9-stone", "wuhan4kettle", "hubei 7 teapots", "qwer7Kanne2", "汉字密码也可以1", "wanglinhai8",
		"武汉的雨下了三天3", "1t4m9k2x",
	} {
		require.Empty(t, judge(pw), pw)
	}
}

// A password in NFD is the one in NFC: the same reasons, or none.
func TestPasswordsAreJudgedInNFC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pw := rapid.StringOfN(rapid.RuneFrom([]rune("aé1ñü이한ếabc7 ")), 1, 70, -1).Draw(t, "password")
		require.Equal(t, judge(norm.NFC.String(pw)), judge(norm.NFD.String(pw)))
	})
}
