package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/typed"
)

// Form is what a person typed and what is wrong with it, field by field. A page with a fault
// is rendered again with status 422, holding the same form.
type Form struct {
	Values url.Values
	Errors map[string]string

	r       *http.Request // that sent it; nil: none did
	limited bool          // a limit was reached
}

// NewForm is an empty form, or one that starts with values.
func NewForm(values url.Values) *Form {
	if values == nil {
		values = url.Values{}
	}
	return &Form{Values: values, Errors: map[string]string{}}
}

// ParseForm reads the body's form, within the body limit.
func ParseForm(r *http.Request) (*Form, error) {
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, errTooLarge
		}
		return nil, fault.Wrap(fault.Invalid, err, "没有读懂提交的内容，请返回重填。")
	}
	f := FormOf(r)
	f.Values = r.PostForm
	return f, nil
}

// FormOf is an empty form whose answer goes to r.
func FormOf(r *http.Request) *Form {
	f := NewForm(nil)
	f.r = r
	return f
}

// Get is the field's text without blanks and invisible characters around it.
func (f *Form) Get(name string) string { return typed.Trim(f.Values.Get(name)) }

// Raw is the field's text as typed: for passwords.
func (f *Form) Raw(name string) string { return f.Values.Get(name) }

// Checked tells whether a box was ticked.
func (f *Form) Checked(name string) bool { return f.Values.Get(name) != "" }

// Is tells whether a field has this value: for radio buttons and options.
func (f *Form) Is(name, value string) bool { return f.Get(name) == value }

// Fail notes what is wrong with a field; the first sentence of a field stays. The empty name
// means the form as a whole.
func (f *Form) Fail(name, sentence string) {
	if _, ok := f.Errors[name]; !ok {
		f.Errors[name] = sentence
	}
}

// FailIf notes err's sentence and tells whether there was one.
func (f *Form) FailIf(name string, err error) bool {
	if err != nil {
		f.Fail(name, fault.Sentence(err))
		f.Limit(err)
	}
	return err != nil
}

// Limit makes the form's status 429 where err is a limit that was reached, and tells the browser when to come back.
func (f *Form) Limit(err error) {
	if !fault.Is(err, fault.TooMany) {
		return
	}
	f.limited = true
	if f.r != nil {
		if rw, ok := f.r.Context().Value(responseKey{}).(*response); ok {
			rw.Header().Set("Retry-After", waitOf(err))
		}
	}
}

// waitOf is how many seconds to wait after a limit was reached: a minute where that is not known.
func waitOf(err error) string {
	wait, known := limit.RetryAfter(err)
	if !known {
		wait = time.Minute
	}
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}

// Absorb takes a failure that the person can mend into the form and returns any other.
func (f *Form) Absorb(name string, err error) error {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooMany, fault.Unauthenticated, fault.Forbidden, fault.NotFound:
		if err != nil {
			f.Fail(name, fault.Sentence(err))
			f.Limit(err)
		}
		return nil
	default:
		return err
	}
}

// OK tells whether nothing is wrong.
func (f *Form) OK() bool { return len(f.Errors) == 0 }

// Error is the sentence at a field, or empty.
func (f *Form) Error(name string) string { return f.Errors[name] }

// Status is 200 for a form without and 422 for one with faults, 429 where one of them is a limit.
func (f *Form) Status() int {
	switch {
	case f.limited:
		return http.StatusTooManyRequests
	case f.OK():
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// keyField is the hidden field that makes a second submit of one form the same submit.
const keyField = "idempotency_key"

// Key is the form's idempotency key; the template part "key" writes it, making one for a new form.
func (f *Form) Key() (string, error) {
	if key := f.Get(keyField); key != "" {
		return key, nil
	}
	key, err := uuid.NewV4()
	if err != nil {
		return "", fmt.Errorf("idempotency key: %w", err)
	}
	f.Values.Set(keyField, key.String())
	return key.String(), nil
}

// ParseKey reads the idempotency key that came with a submit.
func (f *Form) ParseKey() (uuid.UUID, error) {
	key, err := uuid.FromString(f.Get(keyField))
	if err != nil {
		return uuid.Nil, fault.Wrap(fault.Invalid, err, "页面已过期，请返回重新打开后再提交。")
	}
	return key, nil
}

// Field is one labelled input of part "field".
type Field struct {
	Name, Label, Type, Value, Error, Hint         string
	Autocomplete, InputMode, Placeholder, Pattern string
	Max                                           int
	Optional, Focus                               bool
	secret                                        bool // never written back
}

// ID is the input's id, to which its label, hint and error refer.
func (f *Field) ID() string { return "f-" + strings.ReplaceAll(f.Name, "_", "-") }

// newField is the template function "field": form, name, then "key=value" options, so that a
// page says {{template "field" (field .Form "phone" "label=手机号" "type=tel" "max=20")}}.
// Passwords, codes and what is marked "secret" are never written back.
func newField(form *Form, name string, options ...string) (*Field, error) {
	f := &Field{Name: name, Type: "text"}
	for _, option := range options {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "label":
			f.Label = value
		case "type":
			f.Type = value
		case "hint":
			f.Hint = value
		case "autocomplete":
			f.Autocomplete = value
		case "inputmode":
			f.InputMode = value
		case "placeholder":
			f.Placeholder = value
		case "pattern":
			f.Pattern = value
		case "max":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", name, err)
			}
			f.Max = n
		case "optional":
			f.Optional = true
		case "focus":
			f.Focus = true
		case "secret":
			f.secret = true
		default:
			return nil, fmt.Errorf("field %s: unknown option %q", name, key)
		}
	}
	if form != nil {
		f.Error = form.Error(name)
		if f.Type != "password" && f.Autocomplete != "one-time-code" && !f.secret {
			f.Value = form.Get(name)
		}
	}
	return f, nil
}
