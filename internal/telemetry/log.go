// Package telemetry is what operators see of the running system: logs without personal data,
// metrics, health. It knows nothing about cards.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// LogOptions says how a process logs.
type LogOptions struct {
	Process string // "api", "worker", …: an attribute of every line
	Level   string // debug, info, warn, error; anything else is info
	Format  string // "text" for people, anything else is JSON
}

// NewLogger returns a logger that writes to w, adds the request id of the context, and masks
// whatever looks like personal data. The mask is the second fence: code must not log such data.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: Redact}
	var h slog.Handler
	if strings.EqualFold(o.Format, "text") {
		h = slog.NewTextHandler(w, options)
	} else {
		h = slog.NewJSONHandler(w, options)
	}
	log := slog.New(contextHandler{h})
	if o.Process != "" {
		log = log.With("process", o.Process)
	}
	return log
}

type requestIDKey struct{}

// WithRequestID puts the id of the request into the context, for the log and the error page.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id that WithRequestID put there, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// contextHandler adds the request id to every line that was logged with a context.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
