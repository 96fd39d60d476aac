package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/telemetry"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		// ID numbers, also with lower-case x, in full-width digits, inside of other text.
		"42010620040229002X":     "***",
		"id=42010620040229002x;": "id=***;",
		"身份证４２０１１１２００５０５０４００１６无效":               "身份证***无效",
		"420111200505040016,429021200202030043": "***,***",
		// Phones in the forms that people type.
		"13812345678":                "***",
		"tel:+8613812345678":         "tel:***",
		"tel 0086 138 1234 5678 end": "tel *** end",
		"call 138-1234-5678":         "call ***",
		"手机１３８１２３４５６７８":              "手机***",
		`{"phone":"13812345678"}`:    `{"phone":"***"}`,
		// Codes after their word.
		"code=483920":      "code=***",
		"验证码：483920":       "验证码：***",
		`"code":"483920"`:  `"code":"***"`,
		"the code 483920.": "the code ***.",
		// What must stay readable.
		"":                                     "",
		"no digits":                            "no digits",
		"SQLSTATE 23505":                       "SQLSTATE 23505",
		"exit code 1":                          "exit code 1",
		"card 42000000001234":                  "card 42000000001234",
		"0193f3a2-7b11-7138-9123-138123456789": "0193f3a2-7b11-7138-9123-138123456789",
		"0193f138-1234-5678-9123-0123456789ab": "0193f138-1234-5678-9123-0123456789ab",
		"at 1795392000000000000 ns":            "at 1795392000000000000 ns",
		"division 420106":                      "division 420106",
		"１２３":                                  "１２３",
	} {
		assert.Equal(t, want, telemetry.Mask(in), in)
	}
}

// Whatever way it takes into a line, personal data does not come out of it.
func TestLogHoldsNoPersonalData(t *testing.T) {
	t.Parallel()
	const id, phone, code = "42010620040229002X", "13812345678", "483920"
	type form struct {
		Owner string `json:"owner"`
		Phone string
		Deep  map[string][]any
	}
	f := form{Owner: id, Phone: "any", Deep: map[string][]any{phone: {id, 13812345678, map[string]string{"code": code}}}}
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, telemetry.LogOptions{Process: "test", Level: "debug", Format: format})
		log.Info("person " + id + " has " + phone)
		log.Info("m", "a", id, "b", phone, "code", code, "n", 13812345678, "u", uint64(420111200505040016))
		log.Info("m", "error", fmt.Errorf("wrap: %w", errors.New("bad "+id)))
		log.Info("m", "form", f, "ptr", &f, "list", []string{phone}, "bytes", []byte(phone), "func", func() {})
		log.With("a", phone).WithGroup("g").Info("m", slog.Group("h", "a", id, "code", code))
		log.Info("m", "valuer", valuer{id}, "stringer", &stringer{phone})
		log.Info("m", "password", "open sesame", "token", "open sesame", "holder_name", "王𠮷", phone, "key") //nolint:sloglint // a key that is personal data is the point
		log.DebugContext(telemetry.WithRequestID(t.Context(), phone), "m")
		for _, secret := range []string{id, "42010620040229002", phone, code, "open sesame", "王𠮷", "420111200505040016"} {
			assert.NotContains(t, out.String(), secret, format)
		}
		assert.GreaterOrEqual(t, strings.Count(out.String(), "***"), 20)
		if format == "json" {
			for line := range strings.Lines(out.String()) {
				assert.True(t, json.Valid([]byte(line)), line)
			}
		}
	}
}

type valuer struct{ s string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.s) }

type stringer struct{ s string }

func (s *stringer) String() string { return s.s }

func TestLogLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.LogOptions{Process: "api", Level: "info"})
	log.Debug("not shown")
	ctx := telemetry.WithRequestID(t.Context(), "0193f3a2-7b11-7138-9123-138123456789")
	// 15 seconds are 15000000000 ns, which has the form of a mobile number.
	log.WithGroup("g").InfoContext(ctx, "done", "took", 15*time.Second, "rows", 3, "ok", true, "kind", kind("x"))
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	assert.Equal(t, "api", line["process"])
	assert.Equal(t, "done", line["msg"])
	assert.Equal(t, "INFO", line["level"])
	assert.Equal(t, map[string]any{
		"took": 15e9, "rows": 3.0, "ok": true, "kind": "x", "request": "0193f3a2-7b11-7138-9123-138123456789",
	}, line["g"])
	assert.Empty(t, telemetry.RequestID(context.Background()))
}

type kind string

func FuzzMask(f *testing.F) {
	f.Add("42010620040229002X", "13812345678")
	f.Add("1", "＋８６")
	f.Fuzz(func(t *testing.T, a, b string) {
		// Masking twice is masking once, and never lets a number through that stands alone.
		once := telemetry.Mask(a + " 13812345678 " + b)
		assert.Equal(t, once, telemetry.Mask(once))
		assert.NotContains(t, strings.Fields(once), "13812345678")
	})
}

func BenchmarkLog(b *testing.B) {
	log := telemetry.NewLogger(discard{}, telemetry.LogOptions{Process: "api"})
	ctx := telemetry.WithRequestID(b.Context(), "0193f3a2-7b11-7138-9123-138123456789")
	for b.Loop() {
		log.InfoContext(ctx, "request", "method", "GET", "route", "/cards/{id}", "status", 200, "took", time.Millisecond)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
