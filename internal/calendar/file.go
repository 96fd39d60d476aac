package calendar

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"volcard/internal/csvfile"
	"volcard/internal/fault"
)

// The words of a file. Each row is a word and its value, or a date and what it is; a third column is a
// remark that nobody reads: it may hold anything.
const (
	wordYear   = "年份"
	wordNotice = "文号"
	wordDate   = "日期"
	wordOff    = "休"
	wordWork   = "班"
)

// maxRows bounds a file: no year has so many special days.
const maxRows = 200

// Parse reads a year from a file, in the form of Year.File, and tells every fault with its line: of the
// form, and what Validate finds. The error is for a file that cannot be read at all.
func Parse(file []byte) (Year, []csvfile.RowError, error) {
	text, err := csvfile.Decode(file)
	if err != nil {
		return Year{}, nil, err
	}
	p := parser{lines: map[Date]int{}, comma: csvfile.Separator(text)}
	rows := 0
	for i, line := range strings.Split(text, "\n") {
		if strings.Trim(line, "\r\t ,;") == "" {
			continue
		}
		if rows++; rows > maxRows {
			return Year{}, nil, fault.Newf(fault.Invalid, "文件超过 %d 行，不像是一年的放假安排。", maxRows)
		}
		p.line(i+1, line)
	}
	p.end()
	return p.year, p.faults, nil
}

// parser reads line by line: only remarks can run over several lines, and nobody reads those. So a stray
// quote in a remark swallows no day.
type parser struct {
	comma   rune
	year    Year
	notices []string
	lines   map[Date]int // where a date stands
	faults  []csvfile.RowError
	named   bool // there is a row with the year
	quoted  bool // the remark of the row before may go on in this line
}

func (p *parser) fail(line int, column, msg string) {
	p.faults = append(p.faults, csvfile.RowError{Line: line, Column: column, Msg: msg})
}

func (p *parser) line(n int, text string) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = p.comma, -1, true
	cells, err := r.Read()
	if err != nil { // a line of nothing but quotes
		cells = []string{text}
	}
	word, value := strings.TrimSpace(cells[0]), ""
	if len(cells) > 1 {
		value = strings.TrimSpace(cells[1])
	}
	isDay := datePattern.MatchString(word)
	odd := strings.Count(text, `"`)%2 == 1
	if p.quoted && !isDay {
		p.quoted = !odd
		return
	}
	p.quoted = odd
	for _, cell := range cells[:min(len(cells), 2)] {
		if msg := csvfile.RefuseCell(cell); msg != "" {
			p.fail(n, "", msg)
			return
		}
	}
	switch {
	case word == wordDate: // the heading
	case word == wordYear:
		p.setYear(n, value)
	case word == wordNotice:
		p.addNotices(value, cells[min(len(cells), 2):])
	case isDay:
		p.day(n, word, value)
	default:
		p.fail(n, wordDate, "应为日期，例如 2027-01-01。")
	}
}

// addNotices takes the number of a notice. A year that was amended has several: in one cell, in the cells
// behind it, or in a row of their own.
func (p *parser) addNotices(value string, more []string) {
	for _, cell := range append([]string{value}, more...) {
		notice := normalNotice(cell)
		if notice == "" || slices.Contains(p.notices, notice) || (cell != value && !noticeNumber.MatchString(notice)) {
			continue
		}
		p.notices = append(p.notices, notice)
	}
	p.year.Notice = strings.Join(p.notices, "、")
}

var yearPattern = regexp.MustCompile(`^(\d{4})年?$`)

func (p *parser) setYear(line int, value string) {
	m := yearPattern.FindStringSubmatch(value)
	if m == nil {
		p.fail(line, wordYear, "应为四位数字的年份，例如 2027。")
		return
	}
	if p.named {
		p.fail(line, wordYear, "年份写了两次。一个文件只写一年。")
	}
	p.year.Year, _ = strconv.Atoi(m[1])
	p.named = true
}

// datePattern also takes what spreadsheets make of a date when they save it.
var datePattern = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$`)

// day takes a day; word matches datePattern.
func (p *parser) day(line int, word, kind string) {
	m := datePattern.FindStringSubmatch(word)
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	d := Day(n[0], time.Month(n[1]), n[2])
	if y, month, day := d.civil(); y != n[0] || int(month) != n[1] || day != n[2] {
		p.fail(line, wordDate, "没有这一天。")
		return
	}
	switch kind {
	case wordOff:
		p.year.Off = append(p.year.Off, d)
	case wordWork:
		p.year.MakeUp = append(p.year.MakeUp, d)
	default:
		p.fail(line, "安排", "应为“休”（放假）或“班”（调休上班）。")
		return
	}
	p.lines[d] = line
}

// end looks at the year as a whole. Where its form is broken already, what else is wrong would mislead.
func (p *parser) end() {
	if !p.named && len(p.faults) == 0 {
		p.fail(0, wordYear, "文件里没有年份，应有一行“年份,2027”。")
	}
	if p.year.Notice == "" && len(p.faults) == 0 {
		p.fail(0, wordNotice, "文件里没有文号，应有一行“文号,国办发明电〔2025〕7号”。")
	}
	if len(p.faults) > 0 {
		return
	}
	slices.SortFunc(p.year.Off, Date.Compare)
	slices.SortFunc(p.year.MakeUp, Date.Compare)
	for _, problem := range Validate(p.year) {
		p.fail(p.lines[problem.Day], "", problem.Msg)
	}
}

// File writes the year in the form that Parse reads. Where the number of the notice is empty it is a
// template: Parse refuses it until somebody adds the number.
func (y Year) File() ([]byte, error) {
	kinds := map[Date]string{}
	for _, d := range y.Off {
		kinds[d] = wordOff
	}
	for _, d := range y.MakeUp {
		kinds[d] = wordWork
	}
	names := map[Date]string{}
	for _, b := range New(y).Breaks(y.Year) {
		for d := b.From; !b.Until.Before(d); d = d.Plus(1) {
			names[d] = b.Name
		}
	}
	rows := [][]string{{wordYear, strconv.Itoa(y.Year), ""}, {wordNotice, y.Notice, ""}, {wordDate, "安排", "说明"}}
	for _, d := range slices.SortedFunc(maps.Keys(kinds), Date.Compare) {
		rows = append(rows, []string{d.String(), kinds[d], names[d]})
	}
	var b bytes.Buffer
	b.WriteString(csvfile.Mark)
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write csv: %w", err)
	}
	return b.Bytes(), nil
}
