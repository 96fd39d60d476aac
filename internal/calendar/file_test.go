package calendar_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"volcard/internal/calendar"
	"volcard/internal/fault"
)

// good is a file of 2027 in its plainest form.
func good(t *testing.T) string {
	t.Helper()
	y := byRule(2027)
	y.Notice = "国办发明电〔2026〕9号"
	file, err := y.File()
	require.NoError(t, err)
	return strings.ReplaceAll(strings.TrimPrefix(string(file), "\uFEFF"), "\r\n", "\n")
}

// What is exported is what is imported.
func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	for _, y := range calendar.BuiltIn() {
		require.Empty(t, calendar.Validate(y))
		file, err := y.File()
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(file), "\uFEFF年份,"), "Excel sees that it is UTF-8")
		got, faults, err := calendar.Parse(file)
		require.NoError(t, err)
		require.Empty(t, faults)
		require.Equal(t, y, got)
		require.True(t, y.Same(got))
	}
	require.Contains(t, good(t), "2027-02-06,休,春节")
}

func TestFileForms(t *testing.T) {
	t.Parallel()
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(good(t))
	require.NoError(t, err)
	for name, file := range map[string]string{
		"mark":              "\uFEFF" + good(t),
		"CRLF":              strings.ReplaceAll(good(t), "\n", "\r\n"),
		"GB18030":           gb,
		"as Excel saves it": strings.NewReplacer("2027-0", "2027/", ",春节", ",春节,,").Replace(good(t)),
		"as people write":   strings.NewReplacer("2027-02-05", "2027年2月5日", "年份,2027", "年份, 2027年").Replace(good(t)),
		"empty lines":       strings.ReplaceAll(good(t), "\n", "\n\n,,\n"),
		"no heading":        strings.Replace(good(t), "日期,安排,说明\n", "", 1),
		"semicolons":        strings.ReplaceAll(good(t), ",", ";"),
		"tabs":              strings.ReplaceAll(good(t), ",", "\t"),
		"quoted":            `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(good(t), "\n")) + `"`,
		"two columns":       strings.ReplaceAll(good(t), ",春节\n", "\n"),
	} {
		y, faults, err := calendar.Parse([]byte(file))
		require.NoError(t, err, name)
		require.Empty(t, faults, name)
		require.Equal(t, byRule(2027).Off, y.Off, name)
		require.Equal(t, "国办发明电〔2026〕9号", y.Notice, name)
	}
}

// T70: what is exported of any year, announced or laid out by the rule, imports to the same days.
func TestEveryYearRoundTrips(t *testing.T) {
	t.Parallel()
	for year := 2014; year <= 2099; year++ {
		y, announced := builtIn.YearOf(year)
		_, want := builtIn.Announced(year)
		require.Equal(t, want, announced, year)
		if !announced {
			require.Empty(t, y.Notice, "nobody imports the rule unread")
			y.Notice = "国办发明电〔2099〕1号"
		}
		file, err := y.File()
		require.NoError(t, err, year)
		got, faults, err := calendar.Parse(file)
		require.NoError(t, err, year)
		require.Empty(t, faults, year)
		require.True(t, y.Same(got), year)
		next := builtIn.With(got)
		require.Empty(t, builtIn.Changes(next, year), year)
		require.Equal(t, builtIn.Workdays(year), next.Workdays(year), year)
	}
	require.Equal(t, 248, builtIn.Workdays(2027))
}

// T70: files of the State Council's year as people write them.
func TestFilesThatWereRefused(t *testing.T) {
	t.Parallel()
	want, _ := builtIn.Announced(2026)
	for name, notice := range map[string]string{
		"calendar-2026-two-notices.csv": "国办发明电〔2025〕7号、国办发明电〔2026〕1号",
		"calendar-2026-remark.csv":      "国办发明电〔2025〕7号",
	} {
		file, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		y, faults, err := calendar.Parse(file)
		require.NoError(t, err, name)
		require.Empty(t, faults, name)
		require.Equal(t, notice, y.Notice, name)
		want.Notice = notice
		require.True(t, want.Same(y), name)
	}
}

func TestNoticeForms(t *testing.T) {
	t.Parallel()
	const one, two = "国办发明电〔2025〕7号", "国办发明电〔2025〕7号、国办发明电〔2026〕1号"
	for cell, want := range map[string]string{
		"国办发明电［2025］7号": one, "国办发明电[2025]7号": one, "国办发明电(2025)7号": one, "国办发明电（２０２５）７号": one,
		"国办发明电【2025】7号": one, "国办发明电 〔2025〕 7号、": one, one + "、" + one: one + "、" + one,
		one + "，国办发明电〔2026〕1号": two, one + "；国办发明电[2026]1号": two, one + " 国办发明电（2026）1号": two, one + "和国办发明电〔2026〕1号": two,
		one + ",国办发明电〔2026〕1号":             two, // a separator that nobody quoted
		`"` + one + ",国办发明电〔2026〕1号" + `"`: two,
		one + "\n文号,国办发明电〔2026〕1号":         two, // a row of its own
		one + ",2025年11月印发":                one, // a remark
	} {
		y, faults, err := calendar.Parse([]byte(strings.Replace(good(t), "国办发明电〔2026〕9号", cell, 1)))
		require.NoError(t, err, cell)
		require.Empty(t, faults, cell)
		require.Equal(t, want, y.Notice, cell)
	}
}

// A remark may hold anything, and takes no day away.
func TestRemarksAreNotRead(t *testing.T) {
	t.Parallel()
	want := byRule(2027).Off
	remarks := []string{"?", "=1+1", "\uFFFD", `"`, `""`, `他说"休"`, `"元旦`, "\"元旦\n（待定）\"", "\"一\n=2\n三", "a,b,c", "\t", "\a", `'`}
	for _, first := range remarks {
		for _, second := range remarks {
			file := good(t)
			file = strings.Replace(file, "2027-01-01,休,元旦", "2027-01-01,休,"+first, 1)
			file = strings.Replace(file, "2027-05-01,休,劳动节", "2027-05-01,休,"+second, 1)
			y, faults, err := calendar.Parse([]byte(file))
			require.NoError(t, err)
			require.Empty(t, faults, "%q %q", first, second)
			require.Equal(t, want, y.Off, "%q %q", first, second)
		}
	}
}

func TestFileFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		line           int
		want           string
	}{
		{"a make-up day on a Tuesday", "2027-04-05,休", "2027-01-05,班,\n2027-04-05,休", 11, "2027年1月5日是星期二，不是周末"},
		{"without a statutory day", "2027-02-08,休,春节\n", "", 0, "2027年2月8日是法定节假日（春节），应当放假"},
		{"a statutory day that is worked", "2027-02-06,休", "2027-02-06,班", 6, "2027年2月6日是法定节假日（春节）"},
		{"of the wrong year", "年份,2027", "年份,2026", 4, "2027年1月1日不属于 2026 年"},
		{"a day of the next year", "2027-10-03,休", "2028-01-03,休,\n2027-10-03,休", 20, "2028年1月3日不属于 2027 年"},
		{"November of the year before", "2027-10-03,休", "2026-11-29,休,\n2027-10-03,休", 20, "不属于"},
		{"off and worked", "2027-06-09,休", "2027-05-01,班,\n2027-06-09,休", 16, "既写了放假，又写了上班"},
		{"twice", "2027-06-09,休", "2027-05-01,休,\n2027-06-09,休", 16, "2027年5月1日写了两次"},
		{"too many make-up days", "2027-10-03,休", weekends(t) + "2027-10-03,休", 0, "少 7 天"},
		{"without what is made up", "2027-02-09,休,春节\n", "", 0, "少 1 天"},
		{"too many days off", "2027-10-03,休", weekOff + "2027-10-03,休", 0, "全年有 243 个工作日"},
		{"no year", "年份,2027,\n", "", 0, "没有年份"},
		{"a year in words", "年份,2027", "年份,二〇二七", 1, "四位数字"},
		{"two years", "年份,2027,\n", "年份,2027,\n年份,2028,\n", 2, "年份写了两次"},
		{"a year far off", "年份,2027", "年份,2127", 0, "2014 至 2099"},
		{"no notice", "文号,国办发明电〔2026〕9号", "文号,", 0, "没有文号"},
		{"a notice of other signs", "〔2026〕9号", "<b>9</b>", 0, "文号应由"},
		{"no such day", "2027-10-03", "2027-02-30", 20, "没有这一天"},
		{"no date", "2027-10-03", "十月三日", 20, "应为日期"},
		{"no kind", "2027-10-03,休", "2027-10-03,假", 20, "应为“休”"},
		{"a formula", "2027-10-03,休,国庆节", "2027-10-03,=1+1", 20, "公式"},
		{"lost characters", "2027-10-03,休,国庆节", "2027-10-03,??", 20, "无法识别"},
		{"a stray quote", "2027-10-03,休", "2027-10-03,\"休\"x", 20, "应为“休”"},
	} {
		require.Contains(t, good(t), c.old, c.name)
		_, faults, err := calendar.Parse([]byte(strings.Replace(good(t), c.old, c.new, 1)))
		require.NoError(t, err, c.name)
		require.NotEmpty(t, faults, c.name)
		require.Contains(t, faults[0].Msg, c.want, c.name)
		require.Equal(t, c.line, faults[0].Line, c.name)
	}
	for name, file := range map[string]string{
		"Excel": "PK\x03\x04", "UTF-16": "\xff\xfea", "too long": strings.Repeat("2027-01-01,休\n", 201),
	} {
		_, _, err := calendar.Parse([]byte(file))
		require.True(t, fault.Is(err, fault.Invalid), name)
	}
	_, faults, err := calendar.Parse(nil)
	require.NoError(t, err)
	require.NotEmpty(t, faults, "an empty file is no year")
}

// weekOff is a week that no notice ever took off.
const weekOff = "2027-03-08,休\n2027-03-09,休\n2027-03-10,休\n2027-03-11,休\n2027-03-12,休\n"

// weekends makes so many Saturdays working days that the year cannot be.
func weekends(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for d, n := date(t, "2027-01-09"), 0; n < 8; d, n = d.Plus(7), n+1 {
		if kind, _ := builtIn.Kind(d); kind == calendar.Weekend {
			b.WriteString(d.String() + ",班\n")
		}
	}
	return b.String()
}

// A template of a year that is not announced is not imported unread.
func TestTemplateNeedsANotice(t *testing.T) {
	t.Parallel()
	file, err := byRule(2028).File()
	require.NoError(t, err)
	_, faults, err := calendar.Parse(file)
	require.NoError(t, err)
	require.Len(t, faults, 1)
	require.Contains(t, faults[0].Msg, "文号")
}

func TestChanges(t *testing.T) {
	t.Parallel()
	next := calendar.Year{Year: 2027, Off: append(statutory(2027), date(t, "2026-12-31"), date(t, "2027-02-11")), MakeUp: dates(t, "2027-02-20")}
	got := builtIn.Changes(builtIn.With(next), 2027)
	require.Contains(t, got, calendar.Change{Day: date(t, "2026-12-31"), From: calendar.Workday, To: calendar.Holiday})
	require.Contains(t, got, calendar.Change{Day: date(t, "2027-02-20"), From: calendar.Weekend, To: calendar.MakeUp})
	require.Contains(t, got, calendar.Change{Day: date(t, "2027-02-09"), From: calendar.Holiday, To: calendar.Workday})
	require.Len(t, got, 9, "the six days that were only made up work again")
	require.Empty(t, builtIn.Changes(builtIn, 2027))
	require.Equal(t, "调休上班 放假 周末 工作日", calendar.MakeUp.Text()+" "+calendar.Holiday.Text()+" "+calendar.Weekend.Text()+" "+calendar.Workday.Text())
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("年份,2027\n文号,国办发明电〔2026〕9号\n2027-01-01,休\n"))
	f.Add([]byte("\uFEFF年份,2027\n2027/1/2,班,\"\n"))
	f.Add([]byte("2027-01-01\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		y, faults, err := calendar.Parse(file)
		if err != nil || len(faults) > 0 {
			return
		}
		if problems := calendar.Validate(y); len(problems) > 0 {
			t.Fatalf("%v was let through", problems)
		}
		again, err := y.File()
		if err != nil {
			t.Fatal(err)
		}
		back, faults, err := calendar.Parse(again)
		if err != nil || len(faults) > 0 || !back.Same(y) {
			t.Fatalf("%v %v: %v is not %v", err, faults, back, y)
		}
	})
}
