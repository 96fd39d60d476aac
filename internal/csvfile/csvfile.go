// Package csvfile takes CSV files as spreadsheets write them: their encodings, and the cells that are
// not taken from a file of anyone.
package csvfile

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"volcard/internal/fault"
	"volcard/internal/typed"
)

// MaxBytes bounds a file.
const MaxBytes = 2 << 20

// Mark makes Excel read a file as UTF-8.
const Mark = "\uFEFF"

// RowError is one fault of an imported file: where, and a sentence.
type RowError struct {
	Line   int    // of the file, from 1; 0 where it concerns the whole file
	Column string // "" where it concerns the whole row
	Msg    string
}

// Decode brings a file to UTF-8: by its mark, as valid UTF-8, else as GB18030, which is what
// Excel writes on Chinese Windows. What does not decode becomes U+FFFD, and RefuseCell refuses it. Invisible
// characters, which cells pasted from chats and pages carry, are dropped.
func Decode(file []byte) (string, error) {
	text, err := decode(file)
	if err != nil {
		return "", err
	}
	return typed.Visible(text), nil
}

func decode(file []byte) (string, error) {
	switch {
	case len(file) > MaxBytes:
		return "", fault.New(fault.Invalid, "文件超过 2 MB。")
	case bytes.HasPrefix(file, []byte("PK\x03\x04")), bytes.HasPrefix(file, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return "", fault.New(fault.Invalid, "这是 Excel 文件，请在表格软件中另存为“CSV UTF-8”后再导入。")
	case bytes.HasPrefix(file, []byte{0xFF, 0xFE}), bytes.HasPrefix(file, []byte{0xFE, 0xFF}):
		return "", fault.New(fault.Invalid, "这是 UTF-16 文件，请另存为“CSV UTF-8”后再导入。")
	case bytes.HasPrefix(file, []byte(Mark)):
		return strings.ToValidUTF8(string(file[len(Mark):]), "\uFFFD"), nil
	case utf8.Valid(file):
		return string(file), nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "无法识别文件编码，请另存为“CSV UTF-8”后再导入。")
	}
	return string(out), nil
}

// Separator is what parts the cells of a file: the comma, or the semicolon or tab that spreadsheets write
// where a comma is the decimal sign. The first line that is not empty tells.
func Separator(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best, most := ',', 0
	for _, sep := range ",;\t" {
		if n := strings.Count(line, string(sep)); n > most {
			best, most = sep, n
		}
	}
	return best
}

// RefuseCell tells why a cell is not taken: a spreadsheet would run it, or its characters were lost
// on the way. "" is fine.
func RefuseCell(cell string) string {
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
