package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a setting that is never printed: not by fmt, not by slog, not as JSON.
// Only Reveal gives it away, so a search for Reveal finds every place that uses one.
type Secret string

const redacted = "[secret]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer without the secret.
func (Secret) String() string { return redacted }

// Format implements fmt.Formatter, so that %x, %d and %#v give nothing away either.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON, XML and YAML use.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
