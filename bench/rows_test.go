package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/credential"
	"volcard/internal/render"
	"volcard/internal/render/rendertest"
	"volcard/templates/faces"
)

// loop does each of n things once, a few at once, and returns how long each took and all did.
func loop(n, parallel int, do func(i int) error) (each []time.Duration, all time.Duration, err error) {
	each = make([]time.Duration, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	began := now()
	for range parallel {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || failed.Load() != nil {
					return
				}
				start := now()
				if err := do(i); err != nil {
					failed.Store(&err)
					return
				}
				each[i] = now().Sub(start)
			}
		})
	}
	workers.Wait()
	if p := failed.Load(); p != nil {
		err = *p
	}
	return each, now().Sub(began), err
}

// side is one side of a comparison over its rounds.
type side struct {
	rates []float64
	each  []time.Duration
	n     int
	cpu   string
}

func (s *side) add(each []time.Duration, all time.Duration) {
	s.each = append(s.each, each...)
	s.rates = append(s.rates, float64(len(each))/all.Seconds())
	s.n += len(each)
}

func (s *side) String() string {
	return fmt.Sprintf("%.0f/s (rounds %.0f), p50 %s, p99 %s, CPU ms %s",
		median(s.rates), s.rates, ms(quantile(s.each, 0.5)), ms(quantile(s.each, 0.99)), s.cpu)
}

// turns lets the two sides run the same number of things in turns, after a first round that does
// not count, so that both have warm caches and the same neighbours.
func (h *house) turns(n, parallel int) (house, bare side) {
	h.T.Helper()
	applicants := h.applicants((*rounds + 1) * n)
	h.issued = append(h.issued, applicants...)
	for round := range *rounds + 1 {
		mine := applicants[round*n : (round+1)*n]
		before := h.cpu.read()
		each, all, err := loop(n, parallel, func(int) error { return h.bare.run() })
		require.NoError(h.T, err)
		if round > 0 {
			bare.add(each, all)
			bare.cpu = per(before, h.cpu.read(), n)
		}
		before = h.cpu.read()
		each, all, err = loop(n, parallel, func(i int) error { return h.submitted(mine[i]) })
		require.NoError(h.T, err)
		h.settle()
		if round > 0 {
			house.add(each, all)
			house.cpu = per(before, h.cpu.read(), n)
		}
	}
	return house, bare
}

// many is row a: sixteen people at once, each until the card is issued.
func many(h *house, out *table) {
	house, bare := h.turns(320, atOnce)
	mine, theirs := median(house.rates), median(bare.rates)
	out.row("submit → issued, 16 at once", perSecond(mine), perSecond(theirs), mine/theirs, 0.7, true)
	out.note("a) house: %s", &house)
	out.note("   bare:  %s", &bare)
}

// single is row b: one after the other.
func single(h *house, out *table) {
	house, bare := h.turns(60, 1)
	mine, theirs := quantile(house.each, 0.5), quantile(bare.each, 0.5)
	out.row("submit → issued, one at a time, p50", ms(mine), ms(theirs), float64(mine)/float64(theirs), 2.5, false)
	out.note("b) house: %s", &house)
	out.note("   bare:  %s", &bare)
}

// rush is row c: a thousand people press in the same moment.
func rush(h *house, out *table) {
	const people = 1000
	applicants := h.applicants(people)
	// The other side goes before and after, so that both have the same neighbours.
	var bare side
	bareRound := func() {
		each, all, err := loop(people/2, atOnce, func(int) error { return h.bare.run() })
		require.NoError(h.T, err)
		bare.add(each, all)
	}
	bareRound()
	h.issued = append(h.issued, applicants...)
	before := h.cpu.read()
	accepted := make([]time.Duration, people)
	var errors atomic.Int64
	var all sync.WaitGroup
	gate := make(chan struct{})
	var began time.Time
	for i, a := range applicants {
		all.Go(func() {
			<-gate
			if err := h.submitAgain(a); err != nil {
				errors.Add(1)
				out.note("c) %v", err)
			}
			accepted[i] = now().Sub(began)
		})
	}
	began = now()
	close(gate)
	all.Wait()
	h.Until("all are issued", func() bool {
		var n int
		err := h.DB.QueryRow(context.Background(), "SELECT count(*) FROM application WHERE state = 'accepted'").Scan(&n)
		return err == nil && n == 0
	})
	issued := now().Sub(began)
	h.settle()
	spent := per(before, h.cpu.read(), people)
	bareRound()
	p99 := quantile(accepted, 0.99)
	least := time.Duration(people / median(bare.rates) * float64(time.Second))
	out.row("1,000 submits at once: p99 of acceptance", ms(p99), "3 s", p99.Seconds()/3, 1, false)
	out.row("1,000 submits at once: all issued", ms(issued), ms(least), issued.Seconds()/least.Seconds(), 1.4, false)
	out.note("c) accepted: p50 %s, p99 %s, last %s; all issued %s; errors %d; bare %.0f/s; CPU ms %s", ms(quantile(accepted, 0.5)), ms(p99),
		ms(quantile(accepted, 1)), ms(issued), errors.Load(), bare.rates, spent)
	if n := errors.Load(); n > 0 {
		out.fail("the rush had %d errors", n)
	}
	holders := h.Count("SELECT count(DISTINCT person_id) FROM application")
	if cards := h.Count("SELECT count(*) FROM card"); cards != len(h.issued)+h.collected || holders != cards {
		out.fail("%d cards for %d people of %d", cards, holders, len(h.issued)+h.collected)
	}
}

// counter has no other side: what a hand-over costs, one after the other.
func counter(h *house, out *table) {
	const cards = 100
	h.waiting(cards)
	clerk := cookieLine(h.web.Clerk(h.World.Clerk, h.Branch))
	handOver := func(a *applicant) error {
		var serial string
		err := h.DB.QueryRow(context.Background(), "SELECT serial FROM stock_card WHERE application_id = $1", a.id).Scan(&serial)
		if err != nil {
			return err
		}
		_, err = h.post("/branch/cases/"+a.id.String(), clerk, url.Values{"tail": {a.tail}, "serial": {serial}}.Encode())
		return err
	}
	before := h.cpu.read()
	last := len(h.issued) - cards
	each, _, err := loop(cards, 1, func(i int) error { return handOver(h.issued[last+i]) })
	require.NoError(h.T, err)
	h.settle()
	h.issued = h.issued[:last]
	h.collected += cards
	out.note("f) hand-over at the counter, one at a time: p50 %s, p99 %s, CPU ms %s",
		ms(quantile(each, 0.5)), ms(quantile(each, 0.99)), per(before, h.cpu.read(), cards))
}

// waiting sees to it that at least n cards wait for their holders.
func (h *house) waiting(n int) {
	h.T.Helper()
	if missing := n - len(h.issued); missing > 0 {
		more := h.applicants(missing)
		_, _, err := loop(missing, atOnce, func(i int) error { return h.submitted(more[i]) })
		require.NoError(h.T, err)
		h.issued = append(h.issued, more...)
		h.settle()
	}
}

// pages is row d: what people look at most often.
func pages(h *house, out *table) {
	const cases, seconds = 500, 3
	h.waiting(cases)
	issued := h.issued[:cases]
	h.tokens(issued)
	bareURL := bareServer(h.T.(*testing.T), h.Postgres.AppURL()) //nolint:forcetypeassert // newHouse made it of one
	get := func(url, cookie string, want int) error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if cookie != "" {
			req.Header.Set("Cookie", cookie)
		}
		if want == http.StatusNoContent {
			req.Header.Set("HX-Request", "true")
		}
		status, _, err := h.do(req)
		if err == nil && status != want {
			err = fmt.Errorf("%s: status %d", url, status)
		}
		return err
	}
	version := h.version(issued[0])
	kinds := []struct {
		name string
		open func(a *applicant) error
	}{
		{"bare", func(a *applicant) error { return get(bareURL+"/"+a.id.String(), "", http.StatusOK) }},
		{"GET /cards/{id}", func(a *applicant) error { return get(h.api.URL+"/cards/"+a.id.String(), a.cookie, http.StatusOK) }},
		{"GET /cards/{id}, asked again by the open page", func(a *applicant) error {
			return get(h.api.URL+"/cards/"+a.id.String()+version, a.cookie, http.StatusNoContent)
		}},
		{"GET /v/{token}", func(a *applicant) error { return get(h.api.URL+credential.Path+a.token, "", http.StatusOK) }},
	}
	sides := make([]side, len(kinds))
	for round := range *rounds + 1 {
		for k, kind := range kinds {
			before := h.cpu.read()
			each, all, err := during(seconds*time.Second, atOnce, func(i int) error { return kind.open(issued[i%cases]) })
			require.NoError(h.T, err)
			if round > 0 {
				sides[k].add(each, all)
				sides[k].cpu = per(before, h.cpu.read(), len(each))
			}
		}
	}
	theirs := median(sides[0].rates)
	for k, kind := range kinds {
		if k > 0 {
			mine := median(sides[k].rates)
			out.row(kind.name, perSecond(mine), perSecond(theirs), mine/theirs, 0.5, true)
		}
		out.note("d) %s: %s", kind.name, &sides[k])
	}
}

// during does things for a while, a few at once.
func during(d time.Duration, parallel int, do func(i int) error) (each []time.Duration, all time.Duration, err error) {
	lists := make([][]time.Duration, parallel)
	errs := make([]error, parallel)
	var next atomic.Int64
	var workers sync.WaitGroup
	began := now()
	for k := range parallel {
		workers.Go(func() {
			for errs[k] == nil {
				start := now()
				if start.Sub(began) >= d {
					return
				}
				errs[k] = do(int(next.Add(1)))
				lists[k] = append(lists[k], now().Sub(start))
			}
		})
	}
	workers.Wait()
	all = now().Sub(began)
	for k, list := range lists {
		each = append(each, list...)
		if errs[k] != nil {
			err = errs[k]
		}
	}
	return each, all, err
}

// document is row e: the PDF of one card.
func document(t *testing.T, out *table) {
	t.Helper()
	designs, err := render.LoadFaces(faces.FS)
	require.NoError(t, err)
	face, err := designs.Face("general")
	require.NoError(t, err)
	usual, err := rendertest.NewPlain("general")
	require.NoError(t, err)
	data := rendertest.Card("阿卜杜热合曼·买买提")
	mine := func() {
		list, err := render.Layout(face, data)
		require.NoError(t, err)
		_, err = render.PDF(render.PDFOptions{Date: data.IssuedOn}, list)
		require.NoError(t, err)
	}
	plain := func() {
		_, err := usual.PDF(data)
		require.NoError(t, err)
	}
	const cards = 40
	var ours, theirs time.Duration
	mine()
	plain()
	for range *rounds {
		ours += rendertest.CPU(func() {
			for range cards {
				mine()
			}
		})
		theirs += rendertest.CPU(func() {
			for range cards / 4 {
				plain()
			}
		})
	}
	ours /= time.Duration(cards * *rounds)
	theirs /= time.Duration(cards / 4 * *rounds)
	out.row("card PDF, CPU for each", ms(ours), ms(theirs), float64(ours)/float64(theirs), 1.0/7, false)
}
