package calendar

import (
	"fmt"
	"regexp"
	"time"
)

// Problem is one reason why a year cannot be as it stands there.
type Problem struct {
	Day Date // zero: the year as a whole
	Msg string
}

// The working days that a year of the State Council can have; 2014 to 2026 had 248 to 251.
const (
	fewestWorkdays = 245
	mostWorkdays   = 255
)

// noticePattern keeps a number to what numbers of notices are made of.
var noticePattern = regexp.MustCompile(`^[\p{Han}〔〕\[\]()（）0-9]{0,40}$`)

// Validate lists everything that cannot be true of an announced year.
func Validate(y Year) []Problem {
	if y.Year < firstYear || y.Year > lastYear {
		return []Problem{{Msg: fmt.Sprintf("年份应在 %d 至 %d 之间。", firstYear, lastYear)}}
	}
	var out []Problem
	fail := func(d Date, format string, args ...any) {
		out = append(out, Problem{d, fmt.Sprintf(format, args...)})
	}
	if !noticePattern.MatchString(y.Notice) {
		fail(Date{}, "文号应由汉字、数字和括号组成，最多 40 个字，例如“国办发明电〔2025〕7号”。")
	}
	seen := map[Date]Kind{}
	note := func(d Date, kind Kind) {
		before, twice := seen[d]
		switch {
		case twice && before != kind:
			fail(d, "%s既写了放假，又写了上班。", d.LongText())
		case twice:
			fail(d, "%s写了两次。", d.LongText())
		}
		seen[d] = kind
		if !belongs(d, y.Year) {
			fail(d, "%s不属于 %d 年的安排（只能是 %d 年的日子，或上一年 12 月的日子）。", d.LongText(), y.Year, y.Year)
		}
	}
	for _, d := range y.Off {
		note(d, Holiday)
	}
	for _, d := range y.MakeUp {
		note(d, MakeUp)
		if !d.Weekend() {
			fail(d, "%s是%s，不是周末，不能作为调休上班日。", d.LongText(), weekdays[d.Weekday()])
		}
	}
	for _, s := range Statutory(y.Year) {
		if seen[s.Day] != Holiday {
			fail(s.Day, "%s是法定节假日（%s），应当放假。", s.Day.LongText(), s.Name)
		}
	}
	if n := New(y).Workdays(y.Year); len(out) == 0 && (n < fewestWorkdays || n > mostWorkdays) {
		fail(Date{}, "全年有 %d 个工作日，通常为 %d 至 %d 个，请核对是否有漏写或多写的日子。", n, fewestWorkdays, mostWorkdays)
	}
	return out
}

// belongs tells whether a year's notice may speak of a day: its own days, and the December before.
func belongs(d Date, year int) bool {
	y, m, _ := d.civil()
	return y == year || (y == year-1 && m == time.December)
}

var weekdays = [...]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"}
