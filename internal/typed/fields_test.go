package typed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/card"
	"volcard/internal/person"
	"volcard/internal/store/codestore"
	"volcard/internal/store/staffstore"
)

// field is one kind of field that takes a name, a number or a code, with a value that it knows.
type field struct {
	value string
	read  func(in string) (string, bool)
	wide  bool // full-width forms and blanks inside are forgiven
}

func ok[V interface{ String() string }](parse func(string) (V, error)) func(string) (string, bool) {
	return func(in string) (string, bool) {
		v, err := parse(in)
		if err != nil {
			return "", false
		}
		return v.String(), true
	}
}

// fields are all of them: what parses another number belongs here, too.
func fields() map[string]field {
	return map[string]field{
		"name":               {"王𠮷", ok(person.ParseName), false},
		"name with a dot":    {"阿卜杜热合曼·买买提", ok(person.ParseName), false},
		"ID number":          {"42010620040229002X", ok(person.ParseIDNumber), true},
		"imported ID number": {"42010620040229002X", ok(person.ParseImportedIDNumber), true},
		"phone":              {"13812345678", ok(person.ParsePhone), true},
		"last four":          {"002X", person.ParseLast4, true},
		"card number":        {card.CardNumber(2026, 1234), card.ParseCardNumber, true},
		"application number": {applicationNumber(), card.ParseApplicationNumber, true},
		"pick-up code":       {"12345678", card.ParsePickupCode, true},
		"serial":             {"HB2026A00017", card.ParseSerial, true},
		"code by SMS":        {"012345", codestore.ParseCode, true},
		"staff login": {"zhang.wei", func(in string) (string, bool) {
			s, err := staffstore.ParseLogin(in)
			return s, err == nil
		}, true},
	}
}

func applicationNumber() string {
	number, err := card.ApplicationNumber(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), 0, strings.NewReader("12345678"))
	if err != nil {
		panic(err)
	}
	return number
}

// unseen is what messengers, word processors and phones leave around and inside of what they copy.
var unseen = []rune{
	0x2066, 0x2067, 0x2068, 0x2069, 0x200E, 0x200F, 0x061C, 0x202A, 0x202C, 0x202E, 0x2060, 0x200B, 0x200C, 0x200D, 0xFEFF, 0x00AD, 0x034F,
	0x180E, 0xFE00, 0xFE0E, 0xFE0F, 0xE0001, 0xE0100, 0xE01EF,
}

// However a value was pasted, the field reads the same one.
func TestEveryFieldForgivesTheSame(t *testing.T) {
	t.Parallel()
	for name, f := range fields() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, known := f.read(f.value)
			require.True(t, known)
			require.Equal(t, f.value, read)
			for _, r := range unseen {
				got, known := f.read(string(r) + f.value + string(r))
				require.True(t, known, "%U around", r)
				require.Equal(t, f.value, got)
			}
			rapid.Check(t, func(t *rapid.T) {
				var in strings.Builder
				noise := rapid.SampledFrom(unseen)
				blanks := rapid.SampledFrom([]rune{' ', '\u00a0', '\u3000', '\u2009', '\t', '\n', '\u2028'})
				for i, r := range f.value {
					if f.wide && rapid.Bool().Draw(t, "wide") && r < 0x80 {
						r += 0xFEE0
					}
					if i > 0 && f.wide && rapid.IntRange(0, 4).Draw(t, "blank") == 0 {
						in.WriteRune(blanks.Draw(t, "which"))
					}
					in.WriteString(string(rapid.SliceOfN(noise, 0, 2).Draw(t, "noise")))
					in.WriteRune(r)
				}
				in.WriteString(string(rapid.SliceOfN(rapid.OneOf(noise, blanks), 0, 3).Draw(t, "after")))
				if len(in.String()) > 100 {
					return // of a code that long no more is looked at
				}
				got, known := f.read(in.String())
				require.True(t, known, "%q", in.String())
				require.Equal(t, f.value, got, "%q", in.String())
			})
		})
	}
}

// What is invisible alone is an empty field, and never part of a value that is longer or shorter.
func TestNothingVisibleIsNothing(t *testing.T) {
	t.Parallel()
	for name, f := range fields() {
		_, known := f.read(string(unseen))
		require.False(t, known, name)
	}
}
