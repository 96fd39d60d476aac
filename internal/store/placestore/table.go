package placestore

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"volcard/internal/csvfile"
	"volcard/internal/fault"
)

// Limits of an imported file: some forty times of what the bank has in Hubei.
const (
	MaxBytes = csvfile.MaxBytes
	MaxRows  = 5000
)

// RowError is one fault of an imported file; the header is line 1.
type RowError = csvfile.RowError

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
	text, err := csvfile.Decode(file)
	if err != nil {
		return nil, nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = csvfile.Separator(text), -1
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
				rowFaults = append(rowFaults, RowError{Line: line, Column: s.columns[i].name, Msg: fmt.Sprintf("与第 %d 行重复。", first)})
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
		msg := csvfile.RefuseCell(cell)
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
			faults = append(faults, RowError{Line: line, Column: c.name, Msg: msg})
		}
	}
	return row, faults
}

// write is the file that parse reads, with the mark that makes Excel show Chinese.
func (s sheet[R]) write(rows []R) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(csvfile.Mark)
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
