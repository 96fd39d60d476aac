package placestore

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"volcard/internal/fault"
)

// Limits of an imported file: some forty times of what the bank has in Hubei.
const (
	MaxBytes = 2 << 20
	MaxRows  = 5000
)

// RowError is one fault of an imported file: where, and a sentence.
type RowError struct {
	Line   int    // of the file, the header being line 1
	Column string // "" where it concerns the whole row
	Msg    string
}

// column describes one column of a file: set reads a cell and returns a sentence where it will
// not do; get writes it back in the one form that set reads.
type column[R any] struct {
	name     string
	optional bool // the cell may be empty; the column has to be there
	set      func(row *R, cell string) string
	get      func(row R) string
}

// sheet is the form of a file.
type sheet[R any] struct {
	columns []column[R]
	unique  []int // columns in which no text stands twice
}

// parse reads every row and tells every fault. The error is for a file that cannot be read at all.
func (s sheet[R]) parse(file []byte) ([]R, []RowError, error) {
	text, err := decode(file)
	if err != nil {
		return nil, nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	order, err := s.header(r)
	if err != nil {
		return nil, nil, err
	}
	var rows []R
	var faults []RowError
	seen := make([]map[string]int, len(s.columns))
	for _, i := range s.unique {
		seen[i] = map[string]int{}
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			// What follows a stray quote cannot be told apart any more.
			return rows, append(faults, RowError{Line: bad.Line, Msg: "引号不成对，无法继续读取后面的行。"}), nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("read csv: %w", err)
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		if len(rows) == MaxRows {
			return nil, nil, fault.Newf(fault.Invalid, "文件超过 %d 行，请分开核对后再导入。", MaxRows)
		}
		line, _ := r.FieldPos(0)
		if len(cells) != len(order) {
			faults = append(faults, RowError{Line: line, Msg: fmt.Sprintf("应有 %d 列，这一行有 %d 列。", len(order), len(cells))})
			continue
		}
		row, rowFaults := s.row(line, order, cells)
		for _, i := range s.unique {
			text := s.columns[i].get(row)
			if first, twice := seen[i][text]; twice && text != "" {
				rowFaults = append(rowFaults, RowError{line, s.columns[i].name, fmt.Sprintf("与第 %d 行重复。", first)})
			}
			seen[i][text] = line
		}
		faults = append(faults, rowFaults...)
		rows = append(rows, row)
	}
	if len(rows) == 0 && len(faults) == 0 {
		// An empty list would close every row that exists.
		return nil, nil, fault.New(fault.Invalid, "文件中没有数据行。")
	}
	return rows, faults, nil
}

// header maps the file's columns to the sheet's. Every column must be there once, in any order.
func (s sheet[R]) header(r *csv.Reader) ([]int, error) {
	cells, err := r.Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "文件是空的，或第一行无法读取。")
	}
	var order []int
	for _, cell := range cells {
		i := slices.IndexFunc(s.columns, func(c column[R]) bool { return c.name == strings.TrimSpace(cell) })
		if i < 0 || slices.Contains(order, i) {
			order = nil
			break
		}
		order = append(order, i)
	}
	if len(order) != len(s.columns) {
		return nil, fault.Newf(fault.Invalid, "第一行应为这些列名：%s。", strings.Join(s.names(), "、"))
	}
	return order, nil
}

func (s sheet[R]) names() []string {
	out := make([]string, len(s.columns))
	for i, c := range s.columns {
		out[i] = c.name
	}
	return out
}

func (s sheet[R]) row(line int, order []int, cells []string) (R, []RowError) {
	var row R
	var faults []RowError
	for i, cell := range cells {
		c := s.columns[order[i]]
		msg := refuseCell(cell)
		cell = strings.TrimSpace(cell)
		switch {
		case msg != "":
		case cell == "" && c.optional:
			continue
		case cell == "":
			msg = "不能为空。"
		default:
			msg = c.set(&row, cell)
		}
		if msg != "" {
			faults = append(faults, RowError{line, c.name, msg})
		}
	}
	return row, faults
}

// refuseCell tells why a cell is not taken from a file of anyone: a spreadsheet would run it, or
// its characters were lost on the way.
func refuseCell(cell string) string {
	if strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") || strings.IndexAny(strings.TrimSpace(cell), "=+-@＝＋－＠") == 0 {
		return "不能以 = + - @ 或制表符开头（表格软件会当作公式）。"
	}
	for _, r := range cell {
		switch {
		case r == '?' || r == utf8.RuneError:
			return "有无法识别的字（显示为问号），请检查文件编码，另存为 UTF-8。"
		case unicode.IsControl(r):
			return "有换行或控制字符。"
		}
	}
	return ""
}

// decode brings a file to UTF-8: by its mark, as valid UTF-8, else as GB18030, which is what
// Excel writes on Chinese Windows. What does not decode becomes U+FFFD, and the row is refused.
func decode(file []byte) (string, error) {
	switch {
	case len(file) > MaxBytes:
		return "", fault.New(fault.Invalid, "文件超过 2 MB。")
	case bytes.HasPrefix(file, []byte("PK\x03\x04")), bytes.HasPrefix(file, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return "", fault.New(fault.Invalid, "这是 Excel 文件，请在表格软件中另存为“CSV UTF-8”后再导入。")
	case bytes.HasPrefix(file, []byte{0xFF, 0xFE}), bytes.HasPrefix(file, []byte{0xFE, 0xFF}):
		return "", fault.New(fault.Invalid, "这是 UTF-16 文件，请另存为“CSV UTF-8”后再导入。")
	case bytes.HasPrefix(file, []byte("\xEF\xBB\xBF")):
		return strings.ToValidUTF8(string(file[3:]), "\uFFFD"), nil
	case utf8.Valid(file):
		return string(file), nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "无法识别文件编码，请另存为“CSV UTF-8”后再导入。")
	}
	return string(out), nil
}

// write is the file that parse reads, with the mark that makes Excel show Chinese.
func (s sheet[R]) write(rows []R) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\uFEFF")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.Write(s.names()); err != nil {
		return nil, fmt.Errorf("write csv: %w", err)
	}
	for _, row := range rows {
		cells := make([]string, len(s.columns))
		for i, c := range s.columns {
			cells[i] = c.get(row)
		}
		if err := w.Write(cells); err != nil {
			return nil, fmt.Errorf("write csv: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), nil
}
