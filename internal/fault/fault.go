// Package fault names the few kinds of failure that the whole house agrees on.
// Every layer returns them; one function in api/web turns them into a page or a
// problem document, and one interceptor in the worker decides which of them
// Temporal retries. Msg may be read by a person, Err never leaves the log.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about a failure.
type Kind string

const (
	// Invalid: the input breaks a rule; the person can mend it.
	Invalid Kind = "invalid"
	// Unauthenticated: nobody is logged in, or the login has ended.
	Unauthenticated Kind = "unauthenticated"
	// Forbidden: this actor may not do this to this object.
	Forbidden Kind = "forbidden"
	// NotFound: no such object, or none that this actor may know of.
	NotFound Kind = "not_found"
	// Conflict: the object has moved on; Msg says where to.
	Conflict Kind = "conflict"
	// TooMany: a limit was reached; trying later helps.
	TooMany Kind = "too_many"
	// Unavailable: something that we need is away; nothing was half done.
	Unavailable Kind = "unavailable"
	// Internal: a mistake of ours; shows nothing of itself.
	Internal Kind = "internal"
)

// Error is a failure with a sentence for people (Simplified Chinese) and a cause for the log.
type Error struct {
	Kind Kind
	Msg  string
	Err  error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Msg, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }

// New makes a failure without a cause.
func New(kind Kind, msg string) *Error { return &Error{Kind: kind, Msg: msg} }

// Newf is New with a formatted sentence. Arguments must hold nothing personal.
func Newf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a kind and a sentence. It returns nil for a nil cause.
func Wrap(kind Kind, err error, msg string) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Msg: msg, Err: err}
}

// KindOf tells the kind of the outermost fault in err; Internal where there is none.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Is tells whether err is a fault of this kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Sentence is what a person may read of err; a general one where err is no fault of ours.
func Sentence(err error) string {
	var f *Error
	if errors.As(err, &f) && f.Kind != Internal && f.Msg != "" {
		return f.Msg
	}
	return "系统出了点问题，请稍后再试。"
}
