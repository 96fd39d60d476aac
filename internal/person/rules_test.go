package person_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/person"
)

// However a number is typed, it is one key: limits cannot be walked around (T40).
func TestPhone(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"13812345678", "+8613812345678", "+86 138 1234 5678", "0086-138-1234-5678", "8613812345678", "１３８１２３４５６７８",
		"＋８６１３８１２３４５６７８", " 138\u30001234\u00a05678\n", "138-1234-5678", "138‑1234–5678", "(+86)13812345678", "\u202d13812345678\u202c",
		"138.1234.5678",
	} {
		p, err := person.ParsePhone(in)
		require.NoError(t, err, "%q", in)
		require.Equal(t, "13812345678", p.String(), "%q", in)
		require.Equal(t, "138****5678", p.Masked())
	}
	for in, part := range map[string]string{
		"": "请填写", " ": "请填写", "1381234567": "11 位", "138123456789": "11 位", "+86": "11 位", "861381234567": "11 位",
		"02787654321": "不是手机", "12812345678": "不是手机", "+85261234567": "内地", "+1 2025550123": "内地",
		"1381234567a": "数字", "一三八一二三四五六七八": "数字", "13812345678;": "数字", "１３８１２３４５６７²": "数字",
	} {
		_, err := person.ParsePhone(in)
		require.True(t, fault.Is(err, fault.Invalid), "%q", in)
		require.Contains(t, fault.Sentence(err), part, "%q", in)
	}
	require.Empty(t, person.Phone{}.Masked())
	require.True(t, person.Phone{}.IsZero())
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"13812345678", "+8613812345678", "00861381", "+", "８６", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := person.ParsePhone(s)
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			return
		}
		require.Regexp(t, `^1[3-9][0-9]{9}$`, p.String())
		for _, again := range []string{p.String(), "+86" + p.String(), "86" + p.String()} {
			q, err := person.ParsePhone(again)
			require.NoError(t, err)
			require.Equal(t, p, q)
		}
	})
}

func TestAgeRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		age      int
		guardian bool
		reasons  int
		asks     bool
	}{
		{-1, true, 1, false}, // born today: 周岁 counts from the day after
		{0, true, 1, false},
		{13, true, 1, false},
		{13, false, 2, false},
		{14, false, 1, true},
		{14, true, 0, true},
		{17, false, 1, true},
		{17, true, 0, true},
		{18, false, 0, false},
		{99, false, 0, false},
	} {
		require.Len(t, person.AgeRule(c.age, c.guardian), c.reasons, "%+v", c)
		require.Equal(t, c.asks, person.NeedsGuardian(c.age), "%+v", c)
	}
}

func TestGuardian(t *testing.T) {
	t.Parallel()
	_, faults := person.ParseGuardian("", "邻居", "123")
	require.Len(t, faults, 3)
	for _, field := range []string{"name", "relation", "phone"} {
		require.NotEmpty(t, faults[field])
	}
	for _, r := range person.Relations() {
		g, faults := person.ParseGuardian("王伟", r, "13812345678")
		require.Empty(t, faults)
		require.False(t, g.IsZero())
	}
	require.True(t, person.Guardian{}.IsZero())
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	id := mustID(t, "42010620040229002X")
	phone, err := person.ParsePhone("13812345678")
	require.NoError(t, err)
	for pw, parts := range map[string][]string{
		"zhihui7hao": nil, "汉字密码也可以1": nil, "p" + strings.Repeat("7xk2m9q", 9): nil, "correct horse 1": nil,
		"":                                  {"8 至 64", "一个字母和一个数字"},
		"a1":                                {"8 至 64"},
		"p" + strings.Repeat("7xk2m9qb", 8): {"8 至 64"},
		"87654321":                          {"一个字母和一个数字"},
		"abcdefgh":                          {"一个字母和一个数字"},
		"my29002Xpw":                        {"身份证"},
		"my29002xpw":                        {"身份证"},
		"wei20040229":                       {"身份证"},
		"a13812345678":                      {"手机"},
		"ab12345678":                        {"手机"}, // the last eight digits of the phone
		"a1381-2345678":                     {"手机"},
		"bowei2004.02.29":                   {"身份证"},
		"bowei040229":                       {"身份证"},
		"ｂｏｗｅｉ２００４０２２９": {"身份证"},
		"Passw0rd":     {"太常见"},
		"AA123456":     {"太常见"},
		"ＰＡＳＳＷ０ＲＤ":     {"太常见"},
		"abc\x00defg1": {"不能使用"},
		"13812345678":  {"一个字母和一个数字", "手机"},
	} {
		reasons := person.CheckPassword(pw, id, phone)
		require.Len(t, reasons, len(parts), "%q: %v", pw, reasons)
		for i, part := range parts {
			require.Contains(t, reasons[i], part, "%q", pw)
		}
	}
	require.Empty(t, person.CheckPassword("my29002Xpw", person.IDNumber{}, person.Phone{}), "staff have neither")
}
