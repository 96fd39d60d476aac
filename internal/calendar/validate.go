package calendar

import (
	"fmt"
	"regexp"
	"strings"
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

var (
	// noticePattern keeps the numbers of a year's notices to what they are made of.
	noticePattern = regexp.MustCompile(`^[\p{Han}〔〕［］【】\[\]()（）、0-9]{0,80}$`)
	// noticeNumber is the number of one notice, in its normal form.
	noticeNumber = regexp.MustCompile(`^\p{Han}+〔\d{4}〕\d+号$`)

	noticeYear      = regexp.MustCompile(`[〔［【\[(（](\d{4})[〕］】\])）]`)
	noticeSeparator = regexp.MustCompile(`号[\s，,;；/、和及与]+`)
	noticeSpace     = regexp.MustCompile(`\s+`)
)

// normalNotice brings numbers of notices to the form in which the State Council prints them:
// 国办发明电〔2025〕7号、国办发明电〔2026〕1号. Whatever it does not know stays for Validate.
func normalNotice(s string) string {
	s = strings.Map(func(r rune) rune {
		if '０' <= r && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s)
	s = noticeSeparator.ReplaceAllString(s, "号、")
	s = noticeYear.ReplaceAllString(noticeSpace.ReplaceAllString(s, ""), "〔$1〕")
	return strings.Trim(s, "、")
}

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
		fail(Date{}, "文号应由汉字、数字和括号组成，最多 80 个字，例如“国办发明电〔2025〕7号”；有几个文号时用顿号隔开。")
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
	if owed := len(Statutory(y.Year)) - y.net(); len(out) == 0 && owed > 0 {
		fail(Date{}, "放假的工作日减去调休上班日，比法定节假日少 %d 天：落在周末的法定节假日应当补休，请核对是否有漏写的日子。", owed)
	}
	if n := New(y).Workdays(y.Year); len(out) == 0 && (n < fewestWorkdays || n > mostWorkdays) {
		fail(Date{}, "全年有 %d 个工作日，通常为 %d 至 %d 个，请核对是否有漏写或多写的日子。", n, fewestWorkdays, mostWorkdays)
	}
	return out
}

// net counts the working days that a notice takes off, less the weekend days that it makes people work.
func (y Year) net() int {
	n := -len(y.MakeUp)
	for _, d := range y.Off {
		if !d.Weekend() {
			n++
		}
	}
	return n
}

// belongs tells whether a year's notice may speak of a day: its own days, and the December before.
func belongs(d Date, year int) bool {
	y, m, _ := d.civil()
	return y == year || (y == year-1 && m == time.December)
}

var weekdays = [...]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"}
