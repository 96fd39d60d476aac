package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/test/world"
)

// book is the harness's own list of what was acknowledged to people. It is compared with the
// database in the end; nothing that was killed has touched it.
type book struct {
	mu   sync.Mutex
	said map[uuid.UUID]promise
	odd  []string // answers that nobody should get
	sent int
}

// promise is one acknowledged application: 303 to its page.
type promise struct {
	Person  uuid.UUID
	Content string
	Fate    fate // what people were told of it afterwards
}

// fate is what people do with a case once its card is there.
type fate string

// outcome is what the database must say about a case of a fate.
type outcome struct {
	state                     card.State
	cards, messages, reserved int // valid cards, messages, plastic cards that are its own
	moves                     []string
}

const (
	untouched fate = ""
	collected fate = "collected"
	takenBack fate = "taken back"
	withdrawn fate = "withdrawn"
)

var outcomes = map[fate]outcome{
	untouched: {card.Ready, 1, 1, 1, []string{"submit", "issue"}},
	collected: {card.Collected, 1, 2, 1, []string{"submit", "issue", "hand-over"}},
	takenBack: {card.Ready, 1, 3, 1, []string{"submit", "issue", "hand-over", "undo-hand-over"}},
	withdrawn: {card.Withdrawn, 0, 2, 0, []string{"submit", "issue", "withdraw"}},
}

func newBook() *book { return &book{said: map[uuid.UUID]promise{}} }

// press sends the form once and writes down what was answered. True: acknowledged.
func (b *book) press(a *world.Applicant, p *world.Proc) bool {
	res, err := a.Send(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent++
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusSeeOther:
		id, err := uuid.FromString(strings.TrimPrefix(res.Header.Get("Location"), "/cards/"))
		if err != nil {
			b.odd = append(b.odd, "sent to "+res.Header.Get("Location"))
			return false
		}
		if _, ok := b.said[id]; !ok { // a late click of several is answered after what came of the first
			b.said[id] = promise{Person: a.ID, Content: a.Form().Get("content")}
		}
		return true
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
	default:
		b.odd = append(b.odd, res.Status)
	}
	return false
}

// of is the application that a person was told of.
func (b *book) of(person uuid.UUID) uuid.UUID {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, said := range b.said {
		if said.Person == person {
			return id
		}
	}
	return uuid.Nil
}

// decide sends a form about a case as people do, at one api and then the other, until it is acknowledged by 303 to
// where such a form leads. False: it never was.
func (b *book) decide(c *webtest.Client, path string, form url.Values, to string, where ...*world.Proc) bool {
	next := 0
	return world.Insist(func() bool {
		next++
		res, err := post(c, where[next%len(where)].URL+path, form)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sent++
		switch {
		case err != nil, res.status == http.StatusServiceUnavailable, res.status == http.StatusTooManyRequests:
			return false
		case res.status == http.StatusSeeOther && strings.HasPrefix(res.location, to):
			return true
		}
		b.odd = append(b.odd, fmt.Sprintf("POST %s: %d to %q: %s", path, res.status, res.location, res.body))
		return false
	})
}

// complain notes what nobody should meet.
func (b *book) complain(text string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.odd = append(b.odd, fmt.Sprintf(text, args...))
}

func (b *book) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.odd)
}

// told writes down that people were told of a case's fate.
func (b *book) told(id uuid.UUID, f fate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said[id]
	said.Fate = f
	b.said[id] = said
}

// insist sends the form as people do: times at once, then once more and again until it is
// acknowledged. False: it never was.
func (b *book) insist(a *world.Applicant, times int, where ...*world.Proc) bool {
	acknowledged := false
	var clicks sync.WaitGroup
	var mu sync.Mutex
	for i := range times {
		clicks.Go(func() {
			if b.press(a, where[i%len(where)]) {
				mu.Lock()
				defer mu.Unlock()
				acknowledged = true
			}
		})
	}
	clicks.Wait()
	next := 0
	return acknowledged || world.Insist(func() bool {
		next++
		return b.press(a, where[next%len(where)])
	})
}

// compare tells how the database differs from what people were told: a line for each loss, each
// double, each stranger. It returns nil where all is well.
func (b *book) compare(w *world.World) []string {
	w.T.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	rows, err := w.DB.Query(context.Background(), `
		SELECT a.id, a.person_id, encode(a.content_hash, 'hex'), a.state,
		       (SELECT count(*) FROM card c WHERE c.application_id = a.id AND c.status = 'valid'),
		       (SELECT count(*) FROM message m WHERE m.dedupe_key LIKE a.id || ':%'),
		       (SELECT count(*) FROM stock_card s WHERE s.application_id = a.id),
		       ARRAY(SELECT action FROM audit_entry e WHERE e.subject_id = a.id ORDER BY seq)
		  FROM application a`)
	require.NoError(w.T, err)
	defer rows.Close()
	var wrong []string
	found, people := map[uuid.UUID]bool{}, map[uuid.UUID]int{}
	for rows.Next() {
		var id, person uuid.UUID
		var content string
		var is outcome
		require.NoError(w.T, rows.Scan(&id, &person, &content, &is.state, &is.cards, &is.messages, &is.reserved, &is.moves))
		found[id] = true
		if people[person]++; people[person] > 1 {
			wrong = append(wrong, fmt.Sprintf("person %s has %d applications", person, people[person]))
		}
		said, ok := b.said[id]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("application %s was acknowledged to nobody", id))
		case said.Person != person || said.Content != content:
			wrong = append(wrong, fmt.Sprintf("application %s is not what was sent", id))
		}
		if !reflect.DeepEqual(is, outcomes[said.Fate]) {
			wrong = append(wrong, fmt.Sprintf("application %s, said to be %q, is %+v", id, said.Fate, is))
		}
	}
	require.NoError(w.T, rows.Err())
	for id := range b.said {
		if !found[id] {
			wrong = append(wrong, fmt.Sprintf("application %s was acknowledged and is lost", id))
		}
	}
	slices.Sort(wrong)
	return wrong
}
