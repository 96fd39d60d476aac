package person_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/fault"
	"volcard/internal/person"
)

func mustName(t testing.TB, s string) person.Name {
	t.Helper()
	n, err := person.ParseName(s)
	require.NoError(t, err, "%q", s)
	return n
}

func TestNameAccepted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"王伟": "王伟", "张䶮": "张䶮", "李𬱟": "李𬱟", "王𠮷": "王𠮷", "㛃": "㛃", "鿍": "鿍", "𰻝": "𰻝", "〇七": "〇七",
		"阿卜杜热合曼·买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼•买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼・买买提": "阿卜杜热合曼·买买提",
		"阿卜杜热合曼．买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼‧买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼∙买买提": "阿卜杜热合曼·买买提",
		"阿卜杜热合曼.买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼･买买提": "阿卜杜热合曼·买买提", "阿卜杜热合曼 · 买买提": "阿卜杜热合曼·买买提",
		"張\u3000三": "張三", "  王 伟 ": "王伟", "王\u200b伟\ufeff": "王伟", "王伟\n": "王伟",
		"\ufa11\ufa0e": "\ufa11\ufa0e", // compatibility ideographs that are characters of their own
		"\uf900伟":      "\uf900伟",      // NFC would turn it into another character
		"葛\U000E0100城": "葛城",           // an ideographic variation selector asks for a shape only
		"⺟⼀":           "",             // see below
		"⼀鸣":           "一鸣",           // a Kangxi radical copied from a PDF
		"John  Smith":  "John Smith", "ＪＯＨＮ": "JOHN", "Jose\u0301 O’Brien-Lee": "José O'Brien-Lee", "John F. Kennedy": "John F. Kennedy",
		strings.Repeat("𠮷", 50): strings.Repeat("𠮷", 50),
		"王 John":                "王 John",
		// Characters that are newer than the runtime's tables: extensions I and J, Unicode 17.
		"王\U0002EBF0": "王\U0002EBF0", "李\U000323B0": "李\U000323B0", "\U00033479\U0002EE5D": "\U00033479\U0002EE5D", "\U0002B73F\U0002CEAD": "\U0002B73F\U0002CEAD",
		// Around it or inside, what is invisible is no part of a name.
		"\u2068王伟\u2069": "王伟", "\u2067王\u2060伟\u200e": "王伟", "王\u00ad伟\ufe0f": "王伟", "王\u200d伟\u061c": "王伟", "葛\ufe00城": "葛城",
		"买买提。艾力": "买买提·艾力", "买买提｡艾力": "买买提·艾力",
	} {
		n, err := person.ParseName(in)
		if want == "" {
			require.Error(t, err, in)
			continue
		}
		require.NoError(t, err, "%q", in)
		require.Equal(t, want, n.String())
	}
}

// What keyboards, fonts and earlier systems put for the separation dot (w3c/clreq#512) becomes U+00B7.
func TestDots(t *testing.T) {
	t.Parallel()
	for _, dot := range "\u00b7\u0387\u02d9\u1427\u16eb\u2022\u2024\u2027\u2219\u22c5\u25cf\u25e6\u2e30\u2e31\u2e33\u30fb\u318d\ua78f\ufe52\uff0e\uff65\U00010101" {
		for _, typed := range []string{"阿卜杜" + string(dot) + "买买提", "阿卜杜 " + string(dot) + "\u3000买买提", "阿卜杜\u200b" + string(dot) + "\ufe0f买买提"} {
			require.Equal(t, "阿卜杜·买买提", mustName(t, typed).String(), "%U", dot)
		}
		_, err := person.ParseName(string(dot) + "买买提")
		require.Error(t, err, "%U", dot)
	}
}

func TestNameRefused(t *testing.T) {
	t.Parallel()
	for in, part := range map[string]string{
		"": "请填写", " \u3000\u200b": "请填写",
		strings.Repeat("王", 51): "50", strings.Repeat("a", 100000): "50",
		"王1": "数字", "王１": "数字", "王٣": "数字",
		"王?": "问号", "王\ufffd": "问号", "王\xff": "无法识别",
		"王\ue863": "自造", "王\U000F0000": "自造",
		"·王": "开头或结尾", "王·": "开头或结尾", "王．": "开头或结尾", "阿··买": "连续", "阿• ・买": "连续",
		"王😀": "符号", "王\x00": "符号", "王<b>": "符号", "王_": "符号", "王〡": "符号", "王，伟": "符号", "ー": "汉字", "王\u0301": "符号",
		"Иван": "汉字", "かな": "汉字", "محمد": "汉字", "ⅡⅡ": "符号",
		"-王": "拉丁字母", "王-伟": "拉丁字母", "王.": "拉丁字母", "'a": "拉丁字母", "John--Smith": "拉丁字母", "...": "拉丁字母",
		"=王伟": "符号", "@王": "符号", "+王": "符号",
	} {
		_, err := person.ParseName(in)
		require.True(t, fault.Is(err, fault.Invalid), "%q: %v", in, err)
		require.Contains(t, fault.Sentence(err), part, "%q", in)
	}
}

// Which names can stand on which document.
func TestCheckDocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, id string
		want     bool
	}{
		{"王𠮷", "42010620040229002X", true},
		{"阿卜杜热合曼·买买提", "42010620040229002X", true},
		{"〇七", "42010620040229002X", true},
		{"王\U0002EBF0", "42010620040229002X", true},
		{"zhang san", "42010620040229002X", false},
		{"ZHANG SAN", "420199200402290023", false},
		{"王 John", "42010620040229002X", false},
		{"张san", "42010620040229002X", false},
		{"John Smith", "911124198108030024", true},
		{"王 John", "911124198108030024", true},
		{"李明", "911124198108030024", true},
		{"Chan Tai Man", "810000199408230021", true},
		{"陳大文", "810000199408230021", true},
		{"Lin", "830000199201300022", true},
	} {
		require.Equal(t, c.want, mustName(t, c.name).CheckDocument(mustID(t, c.id)) == "", "%+v", c)
	}
	require.Empty(t, mustName(t, "zhang san").CheckDocument(person.IDNumber{}))
}

func TestNameMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"王伟": "王*", "欧阳娜娜": "欧***", "王𠮷": "王*", "𰻝": "*", "𠮷𠮷": "𠮷*",
		"阿卜杜热合曼·买买提": "阿*****·买**", "John Smith": "J*** S****", "J. Smith": "J* S****",
		"张·三": "张·*", "阿·买·提": "阿·*·*", "J. S.": "J. *.", "A B": "A *", "王 J": "王 *", "张·三丰": "张·三*",
	} {
		require.Equal(t, want, mustName(t, in).Masked())
	}
	require.Empty(t, person.Name{}.Masked())
}

// The mask of every name hides a letter, keeps its form, and is known again. Of an earlier token's mask so is
// what it was signed with.
func TestMasksHide(t *testing.T) {
	t.Parallel()
	letter := rapid.OneOf(
		rapid.RuneFrom([]rune("王李𠮷〇\U0002EBF0\U000323B0")), rapid.RuneFrom([]rune("JsÉö")),
	)
	rapid.Check(t, func(t *rapid.T) {
		var typed strings.Builder
		for i := range rapid.IntRange(1, 6).Draw(t, "parts") {
			if i > 0 {
				typed.WriteString(rapid.SampledFrom([]string{"·", " ", ". ", "-", "'", "\ua78f"}).Draw(t, "between"))
			}
			typed.WriteString(string(rapid.SliceOfN(letter, 1, 3).Draw(t, "part")))
		}
		n, err := person.ParseName(typed.String())
		if err != nil {
			return
		}
		name, mask := []rune(n.String()), []rune(n.Masked())
		require.Len(t, mask, len(name))
		hidden := 0
		for i := range name {
			if mask[i] != name[i] {
				require.Equal(t, '*', mask[i])
				if name[i] != '.' && name[i] != '\'' && name[i] != '-' {
					hidden++
				}
			}
		}
		require.Positive(t, hidden, "%s: %s", string(name), string(mask))
		require.True(t, person.IsMask(n.Masked(), n.String()))
	})
	for _, c := range []struct {
		mask, stored string
		want         bool
	}{
		{"张·*", "张·三", true},
		{"张·三", "张·三", true}, // signed before
		{"张**", "张\ua78f三", true},
		{"张·*", "张\ua78f三", true},
		{"王*", "王伟", true},
		{"*", "𠮷", true},
		{"𠮷", "𠮷", false},
		{"王伟", "王伟", false},
		{"李*", "王伟", false},
		{"", "", false},
	} {
		require.Equal(t, c.want, person.IsMask(c.mask, c.stored), "%+v", c)
	}
}

func TestNameProperties(t *testing.T) {
	t.Parallel()
	han := rapid.OneOf(
		rapid.RuneFrom([]rune("王李张刘陈买提䶮𬱟𠮷㛃鿍𰻝〇")),
		rapid.Map(rapid.IntRange(0x4E00, 0x9FFF), func(i int) rune { return rune(i) }),
		rapid.Map(rapid.IntRange(0x20000, 0x2A6DF), func(i int) rune { return rune(i) }),
		rapid.Map(rapid.IntRange(0x31350, 0x33479), func(i int) rune { return rune(i) }),
		rapid.Map(rapid.IntRange(0x2EBF0, 0x2EE5D), func(i int) rune { return rune(i) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(han, 1, 12), 1, 4).Draw(t, "parts")
		var plain, typed strings.Builder
		for i, p := range parts {
			if i > 0 {
				plain.WriteString("·")
				typed.WriteString(rapid.SampledFrom([]string{"·", "•", "・", "．", ".", "‧", "∙", " · ", "\u200b・", "\ua78f", "\u2e31", "\u2024", "\u25e6", "\ufe52"}).Draw(t, "dot"))
			}
			plain.WriteString(string(p))
			typed.WriteString(string(p))
		}
		n, err := person.ParseName(typed.String())
		if utf8.RuneCountInString(plain.String()) > person.NameLimit {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, plain.String(), n.String())
		require.Equal(t, utf8.RuneCountInString(n.String()), utf8.RuneCountInString(n.Masked()))
		again, err := person.ParseName(n.String())
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}

func TestNameJSON(t *testing.T) {
	t.Parallel()
	g, faults := person.ParseGuardian("阿卜杜热合曼•买买提", "父亲", "+86 138-1234-5678")
	require.Empty(t, faults)
	b, err := json.Marshal(g)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"阿卜杜热合曼·买买提","relation":"父亲","phone":"13812345678"}`, string(b))
	var back person.Guardian
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, g, back)
	require.Error(t, json.Unmarshal([]byte(`{"name":"a1"}`), &back))
	require.Error(t, json.Unmarshal([]byte(`{"phone":"123"}`), &back))
	require.NoError(t, json.Unmarshal([]byte(`{"name":"","phone":""}`), &back))
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"王𠮷", "阿卜杜热合曼•买买提", "⼀", "e\u0301", "\uf900", "a . b", "王 .伟", "\xff", "a·.b", "Ａ　Ｂ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := person.ParseName(s)
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			return
		}
		count := utf8.RuneCountInString(n.String())
		require.True(t, utf8.ValidString(n.String()) && count >= 1 && count <= person.NameLimit)
		again, err := person.ParseName(n.String())
		require.NoError(t, err, "%q", n.String())
		require.Equal(t, n, again, "parsing is settled after once")
		require.NotEqual(t, n.String(), n.Masked()+"x")
	})
}
