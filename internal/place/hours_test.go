package place_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
)

const usual = "周一至周五 9:00–12:00、13:30–17:00；周六 9:00–16:00"

func mustHours(t *testing.T, text string) place.WeekHours {
	t.Helper()
	h, err := place.ParseWeekHours(text)
	require.NoError(t, err, text)
	return h
}

func at(day, hour, minute int) time.Time { // 2026-11-23 is a Monday
	return time.Date(2026, 11, day, hour, minute, 0, 0, clock.Shanghai)
}

func TestOpenAt(t *testing.T) {
	t.Parallel()
	h := mustHours(t, usual)
	for _, c := range []struct {
		when   time.Time
		open   bool
		next   time.Time
		status string
	}{
		{at(23, 8, 59), false, at(23, 9, 0), "休息中，今天 9:00 开始营业"},
		{at(23, 9, 0), true, at(23, 13, 30), "营业中，12:00 结束"},
		{at(23, 12, 0), false, at(23, 13, 30), "休息中，今天 13:30 开始营业"},
		{at(23, 16, 59), true, at(24, 9, 0), "营业中，17:00 结束"},
		{at(23, 17, 0), false, at(24, 9, 0), "休息中，明天 9:00 开始营业"},
		{at(28, 16, 0), false, at(30, 9, 0), "休息中，周一 9:00 开始营业"},
		{at(29, 12, 0), false, at(30, 9, 0), "休息中，明天 9:00 开始营业"},
		{at(23, 9, 30).UTC(), true, at(23, 13, 30), "营业中，12:00 结束"},
		{time.Date(2026, 12, 31, 20, 0, 0, 0, clock.Shanghai), false, time.Date(2027, 1, 1, 9, 0, 0, 0, clock.Shanghai), "休息中，明天 9:00 开始营业"},
	} {
		require.Equal(t, c.open, h.OpenAt(c.when), c.when)
		next, ok := h.NextOpening(c.when)
		require.True(t, ok)
		require.True(t, c.next.Equal(next), "%s: %s", c.when, next)
		require.Equal(t, c.status, h.Status(c.when))
	}
	var closed place.WeekHours
	_, ok := closed.NextOpening(at(23, 9, 0))
	require.False(t, ok)
	require.Equal(t, "暂不营业", closed.Status(at(23, 9, 0)))

	weekly := mustHours(t, "周一 9:00-10:00")
	next, ok := weekly.NextOpening(at(23, 9, 0))
	require.True(t, ok)
	require.True(t, at(30, 9, 0).Equal(next), "the same day a week later")
}

func TestHoursText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		usual:              usual,
		"周一-五 09:00-17:00": "周一至周五 9:00–17:00",
		"每天 0:00-24:00":    "每天 0:00–24:00",
		"星期六、星期天 ９：００ ～ 12:00":            "周六、周日 9:00–12:00",
		"周六、周日 9:00～12:00":                "周六、周日 9:00–12:00",
		"星期六，星期天 9:00到12:00":              "周六、周日 9:00–12:00",
		"周一、周三 9:00-17:00\n周五 8:30-12:00": "周一 9:00–17:00；周三 9:00–17:00；周五 8:30–12:00",
		"暂不营业": "暂不营业",
	} {
		h, err := place.ParseWeekHours(in)
		require.NoError(t, err, in)
		require.Equal(t, want, h.Text())
	}
	for _, in := range []string{
		"", "9:00-17:00", "周一", "周八 9:00-17:00", "周五至周一 9:00-17:00", "周一 9:00", "周一 9-17",
		"周一 17:00-9:00", "周一 9:00-25:00", "周一 9:60-10:00", "周一 9:00-12:00、11:00-13:00",
		"周一 9:00-12:00,12:00-13:00", "周一 9:00-12:00；周一 13:00-14:00", "周一 9:00-12:00、",
	} {
		_, err := place.ParseWeekHours(in)
		require.True(t, fault.Is(err, fault.Invalid), "%q: %v", in, err)
		require.NotEmpty(t, fault.Sentence(err))
	}
}

func TestHoursJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(mustHours(t, "周六 9:00-12:00、13:30-17:00"))
	require.NoError(t, err)
	require.JSONEq(t, `{"sat":["09:00-12:00","13:30-17:00"]}`, string(b))
	for _, bad := range []string{
		`[]`, `{"xyz":["09:00-12:00"]}`, `{"mon":["12:00-09:00"]}`, `{"mon":["09:00"]}`,
		`{"mon":["09:00-12:00","10:00-13:00"]}`, `{"mon":["-1:00-12:00"]}`,
	} {
		var h place.WeekHours
		require.Error(t, json.Unmarshal([]byte(bad), &h), bad)
		require.True(t, h.IsZero())
	}
}

func genHours(t *rapid.T) place.WeekHours {
	var h place.WeekHours
	for day := range h {
		cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, 1440), 0, 6, rapid.ID[int]).Draw(t, "cuts")
		seen := make([]bool, 1441)
		for _, c := range cuts {
			seen[c] = true
		}
		from := -1
		for m, is := range seen {
			switch {
			case is && from < 0:
				from = m
			case is:
				h[day] = append(h[day], place.Interval{From: place.Minute(from), To: place.Minute(m)})
				from = -1
			}
		}
	}
	return h
}

func TestHoursRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := genHours(t)
		require.NoError(t, h.Validate())
		back, err := place.ParseWeekHours(h.Text())
		require.NoError(t, err)
		require.True(t, h.Equal(back), h.Text())
		b, err := json.Marshal(h)
		require.NoError(t, err)
		var again place.WeekHours
		require.NoError(t, json.Unmarshal(b, &again))
		require.True(t, h.Equal(again))

		// Whoever comes at the next opening finds it open, and nothing opened in between.
		now := at(23, 0, 0).Add(time.Duration(rapid.IntRange(0, 7*1440).Draw(t, "now")) * time.Minute)
		if next, ok := h.NextOpening(now); ok {
			require.True(t, h.OpenAt(next))
			require.True(t, next.After(now))
		} else {
			require.True(t, h.IsZero())
		}
	})
}

func FuzzParseWeekHours(f *testing.F) {
	for _, s := range []string{usual, "每天 0:00-24:00", "周一-五9:00-17:00;", "；；", "周一 9:00-", "9:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := place.ParseWeekHours(s)
		if err != nil {
			return
		}
		require.NoError(t, h.Validate())
		back, err := place.ParseWeekHours(h.Text())
		require.NoError(t, err)
		require.True(t, h.Equal(back))
	})
}
