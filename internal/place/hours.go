package place

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"

	"volcard/internal/fault"
)

// Minute is a time of day in minutes after midnight, 0 to 1440.
type Minute int

const endOfDay Minute = 24 * 60

func (m Minute) String() string { return fmt.Sprintf("%d:%02d", m/60, m%60) }

// Interval is from one time of day until (not including) another.
type Interval struct {
	From, To Minute
}

func (i Interval) String() string { return i.From.String() + "–" + i.To.String() }

// WeekHours are the opening hours of an ordinary week (Opening knows the holidays), indexed by time.Weekday, each day's intervals in
// order and apart. The zero value is "always closed". As JSON:
// {"mon":["09:00-12:00","13:30-17:00"], …}, closed days left out.
type WeekHours [7][]Interval

// week is the order in which people and JSON count days.
var week = [7]time.Weekday{
	time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday,
}

var dayKeys = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var dayNames = [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

func invalid(format string, args ...any) error { return fault.Newf(fault.Invalid, format, args...) }

// Validate tells what is wrong with hours that were put together by hand.
func (h WeekHours) Validate() error {
	for day, list := range h {
		last := Minute(0)
		for i, iv := range list {
			switch {
			case iv.From < 0 || iv.To > endOfDay || iv.From >= iv.To:
				return invalid("%s的营业时间 %s 不对：结束应晚于开始，且不能跨过午夜。", dayNames[day], iv)
			case i > 0 && iv.From <= last:
				return invalid("%s的营业时间有重叠或首尾相接的时段。", dayNames[day])
			}
			last = iv.To
		}
	}
	return nil
}

// IsZero tells whether there are no hours at all.
func (h WeekHours) IsZero() bool {
	for _, list := range h {
		if len(list) > 0 {
			return false
		}
	}
	return true
}

// Equal compares two weeks.
func (h WeekHours) Equal(other WeekHours) bool {
	for day := range h {
		if !slices.Equal(h[day], other[day]) {
			return false
		}
	}
	return true
}

// Text is the week for people: 周一至周五 9:00–12:00、13:30–17:00；周六 9:00–16:00.
// Neighbouring days with the same hours are told together. ParseWeekHours reads it back.
func (h WeekHours) Text() string {
	var parts []string
	for i := 0; i < len(week); {
		list := h[week[i]]
		j := i
		for j+1 < len(week) && slices.Equal(h[week[j+1]], list) {
			j++
		}
		if len(list) > 0 {
			parts = append(parts, dayRange(i, j)+" "+joinIntervals(list, "、"))
		}
		i = j + 1
	}
	if len(parts) == 0 {
		return "暂不营业"
	}
	return strings.Join(parts, "；")
}

func dayRange(i, j int) string {
	switch {
	case i == j:
		return dayNames[week[i]]
	case i == 0 && j == 6:
		return "每天"
	case j == i+1:
		return dayNames[week[i]] + "、" + dayNames[week[j]]
	}
	return dayNames[week[i]] + "至" + dayNames[week[j]]
}

func joinIntervals(list []Interval, sep string) string {
	var b strings.Builder
	for i, iv := range list {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(iv.String())
	}
	return b.String()
}

// MarshalJSON implements json.Marshaler.
func (h WeekHours) MarshalJSON() ([]byte, error) {
	out := map[string][]string{}
	for day, list := range h {
		for _, iv := range list {
			out[dayKeys[day]] = append(out[dayKeys[day]],
				fmt.Sprintf("%02d:%02d-%02d:%02d", iv.From/60, iv.From%60, iv.To/60, iv.To%60))
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler; what it accepts is valid.
func (h *WeekHours) UnmarshalJSON(b []byte) error {
	var in map[string][]string
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("week hours: %w", err)
	}
	var out WeekHours
	for key, list := range in {
		day := slices.Index(dayKeys[:], key)
		if day < 0 {
			return fmt.Errorf("week hours: no day %q", key)
		}
		for _, s := range list {
			iv, err := parseInterval(s)
			if err != nil {
				return err
			}
			out[day] = append(out[day], iv)
		}
	}
	if err := out.Validate(); err != nil {
		return err
	}
	*h = out
	return nil
}

// ParseWeekHours reads what Text writes, and the ways in which people type it: groups parted by
// ；or a new line, days as 周一至周五, 周一-周五, 周六、周日, 每天, times parted by 、or a comma.
func ParseWeekHours(text string) (WeekHours, error) {
	var h WeekHours
	text = hoursFolder.Replace(width.Fold.String(text))
	if text == "暂不营业" {
		return h, nil
	}
	for group := range strings.SplitSeq(text, ";") {
		if group == "" {
			continue
		}
		cut := strings.IndexAny(group, "0123456789")
		if cut <= 0 {
			return WeekHours{}, invalid("营业时间写法不对，应如“周一至周五 9:00–17:00；周六 9:00–12:00”。")
		}
		days, err := parseDays(group[:cut])
		if err != nil {
			return WeekHours{}, err
		}
		var list []Interval
		for s := range strings.SplitSeq(group[cut:], ",") {
			iv, err := parseInterval(s)
			if err != nil {
				return WeekHours{}, err
			}
			list = append(list, iv)
		}
		for _, day := range days {
			if len(h[day]) > 0 {
				return WeekHours{}, invalid("营业时间中%s写了两次。", dayNames[day])
			}
			h[day] = slices.Clone(list)
		}
	}
	if h.IsZero() {
		return WeekHours{}, invalid("请填写营业时间；不营业写“暂不营业”。")
	}
	return h, h.Validate()
}

var hoursFolder = strings.NewReplacer(
	" ", "", "　", "", "\t", "", "\r", "", "\n", ";", "、", ",",
	"–", "-", "—", "-", "~", "-", "至", "-", "到", "-",
	"星期天", "周日", "礼拜天", "周日", "周天", "周日", "星期", "周", "礼拜", "周",
)

func parseDays(s string) ([]time.Weekday, error) {
	if s == "每天" {
		return week[:], nil
	}
	var out []time.Weekday
	for part := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(part, "-")
		i := dayIndex(from)
		j := i
		if ranged {
			j = dayIndex(to)
		}
		if i < 0 || j < i {
			return nil, invalid("营业时间中的日期写法不对，应如“周一至周五”或“周六、周日”。")
		}
		out = append(out, week[i:j+1]...)
	}
	return out, nil
}

// dayIndex is the place of a day in week, -1 for none; the second day of a range may lack its 周.
func dayIndex(name string) int {
	name = "周" + strings.TrimPrefix(name, "周")
	return slices.IndexFunc(week[:], func(d time.Weekday) bool { return dayNames[d] == name })
}

func parseInterval(s string) (Interval, error) {
	from, to, ok := strings.Cut(s, "-")
	a, okA := parseMinute(from)
	b, okB := parseMinute(to)
	if !ok || !okA || !okB {
		return Interval{}, invalid("营业时间的时段写法不对，应如 9:00–17:00。")
	}
	return Interval{a, b}, nil
}

func parseMinute(s string) (Minute, bool) {
	hs, ms, ok := strings.Cut(s, ":")
	if !ok || len(hs) < 1 || len(hs) > 2 || len(ms) != 2 || strings.Trim(hs+ms, "0123456789") != "" {
		return 0, false
	}
	h, _ := strconv.Atoi(hs)
	m, _ := strconv.Atoi(ms)
	at := Minute(h*60 + m)
	return at, m < 60 && at <= endOfDay
}
