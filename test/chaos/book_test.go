package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

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
		b.said[id] = promise{Person: a.ID, Content: a.Form().Get("content")}
		return true
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
	default:
		b.odd = append(b.odd, res.Status)
	}
	return false
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
	return acknowledged || world.Within(func() bool {
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
		       (SELECT count(*) FROM stock_card s WHERE s.application_id = a.id)
		  FROM application a`)
	require.NoError(w.T, err)
	defer rows.Close()
	var wrong []string
	found, people := map[uuid.UUID]bool{}, map[uuid.UUID]int{}
	for rows.Next() {
		var id, person uuid.UUID
		var content string
		var state card.State
		var cards, messages, reserved int
		require.NoError(w.T, rows.Scan(&id, &person, &content, &state, &cards, &messages, &reserved))
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
		if state != card.Ready || cards != 1 || messages != 1 || reserved != 1 {
			wrong = append(wrong, fmt.Sprintf("application %s is %s with %d cards, %d messages, %d reservations", id, state, cards, messages, reserved))
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
