package calendar_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/calendar"
	"volcard/internal/clock"
)

var builtIn = calendar.New(calendar.BuiltIn()...)

func date(t *testing.T, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

func dates(t *testing.T, texts ...string) []calendar.Date {
	t.Helper()
	var out []calendar.Date
	for _, s := range texts {
		out = append(out, date(t, s))
	}
	return out
}

func TestPromiseVectors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start, from, until string
		provisional        bool
	}{
		{"2026-09-25", "2026-10-15", "2026-10-22", false},
		{"2026-02-10", "2026-03-02", "2026-03-09", false}, // 02-14 and 02-28 are worked
		{"2026-11-23", "2026-12-07", "2026-12-14", false},
		{"2025-01-20", "2025-02-08", "2025-02-14", false}, // the 10th is a make-up Saturday
		{"2026-12-28", "2027-01-12", "2027-01-19", true},
		{"2026-12-10", "2026-12-24", "2026-12-31", false}, // the last that stays in the announced year
		{"2026-12-11", "2026-12-25", "2027-01-04", true},
		{"2026-12-15", "2026-12-29", "2027-01-06", true}, // T36
	} {
		p := builtIn.Promise(date(t, c.start), calendar.DefaultPromise())
		require.Equal(t, calendar.Promise{
			Start: date(t, c.start), From: date(t, c.from), Until: date(t, c.until), Provisional: c.provisional,
		}, p, "%s: %s to %s", c.start, p.From, p.Until)
	}
	p := builtIn.Promise(date(t, "2026-11-23"), calendar.PromiseTerms{From: 8, Until: 12})
	require.Equal(t, "2026-12-03 2026-12-09", p.From.String()+" "+p.Until.String())
}

// T37: whoever submits at half past midnight in Shanghai has submitted on that day, whatever day it is in UTC.
func TestDayOfShanghai(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 22, 16, 30, 0, 0, time.UTC), "2026-11-23"},
		{time.Date(2026, 11, 23, 0, 30, 0, 0, clock.Shanghai), "2026-11-23"},
		{time.Date(2026, 11, 23, 23, 59, 59, 0, clock.Shanghai), "2026-11-23"},
		{time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC), "2026-11-24"},
		{time.Date(1969, 12, 31, 12, 0, 0, 0, time.UTC), "1969-12-31"},
		{time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC), "1970-01-01"},
	} {
		require.Equal(t, c.want, calendar.DateOf(c.at).String())
	}
	due := builtIn.After(time.Date(2026, 11, 22, 16, 30, 0, 0, time.UTC), 15, calendar.Pace{})
	require.Equal(t, time.Date(2026, 12, 14, 15, 59, 59, 0, time.UTC), due)
	require.Equal(t, due, calendar.EndOf(calendar.Day(2026, 12, 14)))
	require.Equal(t, calendar.Day(2026, 12, 14), calendar.DateOf(due))
}

func TestPace(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, clock.Shanghai) // a Friday
	require.True(t, at.Add(75*time.Second).Equal(builtIn.After(at, 15, calendar.Pace{Workday: 5 * time.Second})))
}

// Every start day of the announced years, against a count of its own over the reference's bare days.
func TestEveryStart(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../../shared/data/cn_calendar_2023_2026.json")
	if err != nil {
		t.Skip("no reference calendar here")
	}
	var reference struct {
		Years map[string]struct {
			Off, Work map[string]string
			Workdays  int
		}
	}
	require.NoError(t, json.Unmarshal(file, &reference))
	require.Len(t, reference.Years, 4)
	works := func(day time.Time) bool {
		y := reference.Years[day.Format("2006")]
		if _, ok := y.Work[day.Format(time.DateOnly)]; ok {
			return true
		}
		if _, ok := y.Off[day.Format(time.DateOnly)]; ok {
			return false
		}
		return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
	}
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	starts := 0
	for day := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC); day.Before(end); day = day.AddDate(0, 0, 1) {
		got, provisional := builtIn.IsWorkday(calendar.DateIn(day))
		require.Equal(t, works(day), got, day)
		require.False(t, provisional)
		var counted []string
		for at := day.AddDate(0, 0, 1); at.Before(end) && len(counted) < 15; at = at.AddDate(0, 0, 1) {
			if works(at) {
				counted = append(counted, at.Format(time.DateOnly))
			}
		}
		if len(counted) < 15 {
			continue // it crosses into 2027
		}
		p := builtIn.Promise(calendar.DateIn(day), calendar.DefaultPromise())
		require.Equal(t, counted[9], p.From.String(), day)
		require.Equal(t, counted[14], p.Until.String(), day)
		require.False(t, p.Provisional)
		starts++
	}
	require.Equal(t, 4*365+1-21, starts, "2024 is a leap year; the last 21 days cross into 2027")
}

func TestWorkdaysOfYears(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]int{2023: 249, 2024: 251, 2025: 248, 2026: 248} {
		require.Equal(t, want, builtIn.Workdays(year), year)
		_, announced := builtIn.Announced(year)
		require.True(t, announced)
	}
	_, announced := builtIn.Announced(2027)
	require.False(t, announced)
}

// The whole list of 2027 as the law gives it: the days, and those on which weekends are made up.
func TestStatutory2027(t *testing.T) {
	t.Parallel()
	want := dates(
		t, "2027-01-01", "2027-02-05", "2027-02-06", "2027-02-07", "2027-02-08", "2027-02-09", "2027-02-10",
		"2027-04-05", "2027-05-01", "2027-05-02", "2027-05-03", "2027-05-04", "2027-06-09", "2027-09-15",
		"2027-10-01", "2027-10-02", "2027-10-03", "2027-10-04", "2027-10-05",
	)
	var got []calendar.Date
	for d := calendar.Day(2027, 1, 1); d.Year() == 2027; d = d.Plus(1) {
		kind, provisional := builtIn.Kind(d)
		require.True(t, provisional)
		if kind == calendar.Holiday {
			got = append(got, d)
		}
	}
	require.Equal(t, want, got)
	require.Empty(t, builtIn.MakeUps(2027))
}

// Every announced year gives the statutory days off: the law's dates, lunar ones too, are computed right.
func TestStatutoryIsContained(t *testing.T) {
	t.Parallel()
	for _, y := range calendar.BuiltIn() {
		n := 11
		if y.Year >= 2025 {
			n = 13 // the rule of 2024
		}
		require.Len(t, calendar.Statutory(y.Year), n)
		for _, s := range calendar.Statutory(y.Year) {
			require.Contains(t, y.Off, s.Day, s.Name)
		}
	}
}

// 2028 has Mid-Autumn inside the National Day: the day that is lost is made up like one on a weekend.
func TestTwoHolidaysOnOneDay(t *testing.T) {
	t.Parallel()
	require.Len(t, calendar.Statutory(2028), 12)
	off := func(text string) bool {
		kind, _ := builtIn.Kind(date(t, text))
		return kind == calendar.Holiday
	}
	require.True(t, off("2028-10-01")) // Sunday
	require.True(t, off("2028-10-03")) // Tuesday, and Mid-Autumn
	require.True(t, off("2028-10-04"))
	require.True(t, off("2028-10-05"))
	require.False(t, off("2028-10-06"))
	require.True(t, off("2028-01-03"), "the New Year's Saturday")
}

// Next year's notice has the last word on this December, whichever year was imported first.
func TestDecemberOfTheNextNotice(t *testing.T) {
	t.Parallel()
	next := calendar.Year{
		Year:   2027,
		Off:    append(dates(t, "2026-12-31"), statutory(2027)...),
		MakeUp: dates(t, "2026-12-26"),
	}
	for _, c := range []*calendar.Calendar{builtIn.With(next), calendar.New(append([]calendar.Year{next}, calendar.BuiltIn()...)...)} {
		for text, want := range map[string]calendar.Kind{"2026-12-31": calendar.Holiday, "2026-12-26": calendar.MakeUp, "2026-12-25": calendar.Workday} {
			kind, provisional := c.Kind(date(t, text))
			require.Equal(t, want, kind, text)
			require.False(t, provisional)
		}
		p := c.Promise(date(t, "2026-12-28"), calendar.DefaultPromise())
		require.False(t, p.Provisional, "2027 is announced now")
		require.Equal(t, "2027-01-13", p.From.String())
	}
	kind, _ := builtIn.Kind(date(t, "2026-12-31"))
	require.Equal(t, calendar.Workday, kind, "a calendar never changes")
}

// byRule is a year as the statutory rule lays it out.
func byRule(year int) calendar.Year {
	y, _ := calendar.New().YearOf(year)
	return y
}

func statutory(year int) []calendar.Date {
	var out []calendar.Date
	for _, s := range calendar.Statutory(year) {
		out = append(out, s.Day)
	}
	return out
}

func TestBreaks(t *testing.T) {
	t.Parallel()
	text := func(year int) []string {
		var out []string
		for _, b := range builtIn.Breaks(year) {
			out = append(out, b.Name+" "+b.Text())
		}
		return out
	}
	require.Equal(t, []string{
		"元旦 1月1日至1月3日", "春节 2月15日至2月23日", "清明节 4月4日至4月6日", "劳动节 5月1日至5月5日",
		"端午节 6月19日至6月21日", "中秋节 9月25日至9月27日", "国庆节 10月1日至10月7日",
	}, text(2026))
	require.Contains(t, text(2025), "国庆节、中秋节 10月1日至10月8日")
	require.Contains(t, text(2025), "元旦 1月1日")
	require.Equal(t, "劳动节 5月1日至5月4日", text(2027)[3])
	require.Equal(t, "元旦 1月1日至1月3日", text(2028)[0])
	require.Equal(t, dates(t, "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"), builtIn.MakeUps(2026))
	require.Equal(t, 9, builtIn.Breaks(2026)[1].Days())
}

func TestPromiseText(t *testing.T) {
	t.Parallel()
	for start, want := range map[string]string{
		"2026-11-23": "预计 12月7日（周一）至 12月14日（周一）送达网点",
		"2026-12-28": "预计 2027年1月12日（周二）至 2027年1月19日（周二）送达网点（放假安排公布前为暂定）",
		"2026-12-15": "预计 2026年12月29日（周二）至 2027年1月6日（周三）送达网点（放假安排公布前为暂定）",
		"2027-03-01": "预计 3月15日（周一）至 3月22日（周一）送达网点（放假安排公布前为暂定）",
		"2024-12-20": "预计 2025年1月6日（周一）至 2025年1月13日（周一）送达网点",
	} {
		require.Equal(t, want, builtIn.Promise(date(t, start), calendar.DefaultPromise()).Text())
	}
}

func TestAddHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, last := calendar.Day(2000, 1, 1), calendar.Day(2110, 1, 1)
		start := first.Plus(rapid.IntRange(0, last.Compare(first)).Draw(t, "start"))
		n := rapid.IntRange(1, 60).Draw(t, "n")
		day, provisional := builtIn.Add(start, n)
		works, _ := builtIn.IsWorkday(day)
		require.True(t, works, "%s + %d = %s", start, n, day)
		before, _ := builtIn.Add(start, n-1)
		require.True(t, before.Before(day))
		later, _ := builtIn.Add(start.Plus(1), n)
		require.False(t, later.Before(day), "a later start is never sooner")
		counted := 0
		maybe := false
		for d := start.Plus(1); !day.Before(d); d = d.Plus(1) {
			w, p := builtIn.IsWorkday(d)
			if w {
				counted++
			}
			maybe = maybe || p
		}
		require.Equal(t, n, counted)
		require.Equal(t, maybe, provisional)
	})
	same, provisional := builtIn.Add(calendar.Day(2026, 10, 1), 0)
	require.Equal(t, calendar.Day(2026, 10, 1), same)
	require.False(t, provisional)
}

func TestDates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := time.Unix(rapid.Int64Range(-5e9, 5e9).Draw(t, "unix"), 0).UTC()
		d := calendar.DateIn(u)
		require.Equal(t, u.Format(time.DateOnly), d.String())
		require.Equal(t, u.Weekday(), d.Weekday())
		again, err := calendar.ParseDate(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
		require.Equal(t, d, calendar.DateIn(d.UTC()))
	})
	require.True(t, calendar.Date{}.IsZero())
	require.Empty(t, calendar.Date{}.String())
	require.False(t, calendar.Day(1970, 1, 1).IsZero())
	_, err := calendar.ParseDate("2026-02-29")
	require.Error(t, err)
}

func BenchmarkPromise(b *testing.B) {
	start := calendar.Day(2026, 12, 28)
	for b.Loop() {
		builtIn.Promise(start, calendar.DefaultPromise())
	}
}
