package place_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
