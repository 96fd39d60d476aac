// Package notify sends text messages: their texts, the gateways, and the dispatcher that takes
// them from the outbox. A code is sent at most once and never again when nobody knows what became
// of it; a notice asks the gateway for a trace before it is tried again (trust.md, "Messages").
package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/clock"
	"volcard/internal/store/messagestore"
)

// Request is one message for a gateway.
type Request struct {
	Phone    string // eleven digits
	Template string
	Params   map[string]string
	// DedupeID names the message to the gateway; a second send of one message has the same.
	DedupeID string
}

// Gateway sends a message and returns the gateway's receipt. A failure is a *SendError.
type Gateway interface {
	Send(ctx context.Context, r Request) (receipt string, err error)
}

// Teller is a gateway that can be asked whether it has a message.
type Teller interface {
	// Receipt looks for a message that was sent at since or later.
	Receipt(ctx context.Context, r Request, since time.Time) (receipt string, found bool, err error)
	// Lag is how long after a send a message that cannot be found was certainly not sent.
	Lag() time.Duration
}

// Outcome is what is known of a send that did not succeed.
type Outcome string

const (
	// Refused: certainly not sent.
	Refused Outcome = "refused"
	// Unknown: perhaps sent.
	Unknown Outcome = "unknown"
)

// SendError tells what is known of a send that did not succeed. Its text holds the gateway's
// code only: the gateway's sentence may quote the phone.
type SendError struct {
	Outcome Outcome
	// Permanent: the same message will be refused again.
	Permanent bool
	Code      string
	Err       error // for tests; never logged, it may quote a URL with the phone in it
}

func (e *SendError) Error() string { return fmt.Sprintf("send %s: %s", e.Outcome, e.Code) }

func (e *SendError) Unwrap() error { return e.Err }

// outcomeOf reads an error of any gateway; one that says nothing leaves the outcome unknown.
func outcomeOf(err error) *SendError {
	var s *SendError
	if errors.As(err, &s) {
		return s
	}
	return &SendError{Outcome: Unknown, Code: "unclear"}
}

// Config says which gateway to use. The fields are those of config.SMS.
type Config struct {
	Gateway      string // outbox, alibaba, tencent
	KeyID        string
	KeySecret    string
	SignName     string
	Templates    map[string]string // our names and the gateway's ids
	TencentAppID string
	Region       string
	Endpoint     string
	Timeout      time.Duration
}

// New makes the gateway. It refuses a real one that lacks an id for any of our templates: the
// gap would otherwise show on the day the first such message is due.
func New(c Config, outbox messagestore.Outbox, now clock.Clock) (Gateway, error) {
	if c.Gateway == "outbox" {
		return Outbox{Store: outbox}, nil
	}
	ids, missing := templateIDs(c.Templates)
	if len(missing) > 0 {
		return nil, fmt.Errorf("notify: VOLCARD_SMS_TEMPLATES has no id for %s", strings.Join(missing, ", "))
	}
	h := newHTTP(c.Timeout)
	switch c.Gateway {
	case "alibaba":
		return NewAlibaba(c, ids, h, now)
	case "tencent":
		return NewTencent(c, ids, h, now)
	}
	return nil, fmt.Errorf("notify: unknown gateway %q", c.Gateway)
}

// templateIDs completes the map of ids: an underscore is as good as a hyphen, and "code" stands
// for every kind of code that has no id of its own.
func templateIDs(given map[string]string) (ids map[string]string, missing []string) {
	normal := make(map[string]string, len(given))
	for name, id := range given {
		normal[strings.ReplaceAll(strings.TrimSpace(name), "_", "-")] = strings.TrimSpace(id)
	}
	ids = make(map[string]string, len(templates))
	for _, t := range templates {
		id := normal[t.Name]
		if id == "" && strings.HasPrefix(t.Name, "code-") {
			id = normal["code"]
		}
		if id == "" {
			missing = append(missing, t.Name)
			continue
		}
		ids[t.Name] = id
	}
	return ids, missing
}

// Outbox is the default gateway: it writes to a page of the demo.
type Outbox struct{ Store messagestore.Outbox }

// Send puts the message on the page. The page's row has the message's id, so once is enough.
func (o Outbox) Send(ctx context.Context, r Request) (string, error) {
	t, ok := Lookup(r.Template)
	if !ok {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "no such template"}
	}
	body, err := t.Render(r.Params)
	if err != nil {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "incomplete", Err: err}
	}
	id, err := uuid.FromString(r.DedupeID)
	if err != nil {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "bad id", Err: err}
	}
	if err := o.Store.Put(ctx, id, r.Phone, body); err != nil {
		return "", &SendError{Outcome: Unknown, Code: "outbox", Err: err}
	}
	return messagestore.ReceiptPrefix + r.DedupeID, nil
}

// Receipt tells whether the message stands on the page.
func (o Outbox) Receipt(ctx context.Context, r Request, _ time.Time) (string, bool, error) {
	id, err := uuid.FromString(r.DedupeID)
	if err != nil {
		return "", false, err
	}
	found, err := o.Store.Has(ctx, id)
	return messagestore.ReceiptPrefix + r.DedupeID, found, err
}

// Lag is zero: a row is there or not.
func (Outbox) Lag() time.Duration { return 0 }
