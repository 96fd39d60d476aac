package branch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseQuery(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("ABCDEFG234567", 12)
	for typed, want := range map[string]query{
		"12345678":                         {code: "12345678"},
		" 1234 5678\t":                     {code: "12345678"},
		"1234-5678":                        {code: "12345678"},
		"１２３４　５６７８":                        {code: "12345678"}, // the input method was left on
		"1234567812345678":                 {code: "12345678"}, // the scanner fired twice
		"]C112345678":                      {code: "12345678"},
		"]C112345678]C112345678":           {code: "12345678"},
		"NO:12345678":                      {code: "12345678"},
		"\x0212345678\x03":                 {code: "12345678"},
		"\u20661234\u2069\u20605678\ufe0f": {code: "12345678"},
		"hb26112300000000":                 {application: "HB26112300000000"},
		"HB26112300000000HB26112300000000": {application: "HB26112300000000"},
		"42260000000119":                   {card: "42260000000119"},
		"HTTPS://CARD.EXAMPLE/V/" + token:  {scan: "HTTPS://CARD.EXAMPLE/V/" + token},
		"]Q1https://card.example/v/" + strings.ToLower(token): {scan: "]Q1https://card.example/v/" + strings.ToLower(token)},
		token: {scan: token},
	} {
		got, ok := parseQuery(typed)
		require.True(t, ok, typed)
		require.Equal(t, want, got, typed)
	}
	for _, typed := range []string{"", "1234567", "123456789", "王五", "HB26112300000005", "42260000000118", strings.Repeat("1", maxInput+1)} {
		got, ok := parseQuery(typed)
		require.False(t, ok, "%s: %+v", typed, got)
	}
}

func TestParseSerial(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"TS00000001", "ts00000001", " TS 0000 0001\r\n", "TS00000001TS00000001", "]C1TS00000001", "]C1TS00000001]C1TS00000001",
		"SN:TS00000001", "sn：ts00000001", "SN:TS00000001SN:TS00000001", "ＴＳ０００００００１", "\u2068TS\u00ad00000001\ufe0f\u2069",
	} {
		got, ok := parseSerial(typed)
		require.True(t, ok, typed)
		require.Equal(t, "TS00000001", got, typed)
	}
	for _, typed := range []string{"", "TS1", "TS00000001?", strings.Repeat("A", 21), "卡"} {
		_, ok := parseSerial(typed)
		require.False(t, ok, typed)
	}
}

func TestParseTail(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"0023": "0023", "004x": "004X", " 004Ｘ ": "004X", "００２３": "0023", "\u200e00\u206023\ufeff": "0023"} {
		got, ok := parseTail(typed)
		require.True(t, ok, typed)
		require.Equal(t, want, got)
	}
	for _, typed := range []string{"", "023", "00231", "X023", "00X3", "TS00000001", "abcd"} {
		_, ok := parseTail(typed)
		require.False(t, ok, typed)
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"]", "]Q", "]Q1", ":", "SN:", "SN:SN:", "１２３４５６７８", "𠮷", "\xff", "]Q1HTTPS://A/V/B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if q, ok := parseQuery(s); ok {
			n := 0
			for _, v := range []string{q.code, q.application, q.card, q.scan} {
				if v != "" {
					n++
				}
			}
			require.Equal(t, 1, n, "%q is one thing: %+v", s, q)
		}
		if n, ok := parseSerial(s); ok {
			again, ok := parseSerial(n)
			require.True(t, ok)
			require.LessOrEqual(t, len(again), len(n))
		}
		if tail, ok := parseTail(s); ok {
			require.Len(t, tail, 4)
		}
	})
}
