// Package casewatch tells a page that waits for a case when the case has moved. One connection
// per process listens to the channel on which every commit that moves a case names it; while that
// connection is away, the waiting pages ask the row itself. Nothing depends on the answer: who
// waits in vain shows the case as it is.
package casewatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
)

const (
	// askEvery is how often a waiter asks the row while nobody listens.
	askEvery = 150 * time.Millisecond
	// quiet is how long the connection may say nothing before it is asked whether it lives.
	quiet = 30 * time.Second
	// patience bounds every single question to the server.
	patience = 5 * time.Second
	// firstPause and longestPause bound the wait before the connection is made again.
	firstPause, longestPause = 200 * time.Millisecond, 10 * time.Second
)

// Watcher hears of moves. Run must be running for it to hear; without, it asks.
type Watcher struct {
	db      *store.DB
	channel string
	moved   func(ctx context.Context, id uuid.UUID) (bool, error)
	log     *slog.Logger

	// epoch counts the connections so far and is odd while one listens: a waiter that began
	// under another number may have missed its notice.
	epoch atomic.Uint64

	mu      sync.Mutex
	waiting map[uuid.UUID]map[*Watch]struct{}
}

// New makes a watcher of a channel. moved asks the row whether the case is past what is waited for.
func New(db *store.DB, channel string, moved func(context.Context, uuid.UUID) (bool, error), log *slog.Logger) *Watcher {
	return &Watcher{db: db, channel: channel, moved: moved, log: log, waiting: map[uuid.UUID]map[*Watch]struct{}{}}
}

// Watch waits for one case. Whoever makes it must Close it.
type Watch struct {
	watcher *Watcher
	id      uuid.UUID
	epoch   uint64
	notice  chan struct{} // holds one
}

// Expect begins to watch a case. It is called before the case is set in motion, so that the move
// cannot pass unseen.
func (w *Watcher) Expect(id uuid.UUID) *Watch {
	watch := &Watch{watcher: w, id: id, epoch: w.epoch.Load(), notice: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[id] == nil {
		w.waiting[id] = map[*Watch]struct{}{}
	}
	w.waiting[id][watch] = struct{}{}
	return watch
}

// Close ends the watch.
func (x *Watch) Close() {
	w := x.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting[x.id], x)
	if len(w.waiting[x.id]) == 0 {
		delete(w.waiting, x.id)
	}
}

// Wait returns true once the case has moved since Expect, and false when ctx ends before.
func (x *Watch) Wait(ctx context.Context) bool {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-x.notice:
			return true
		case <-tick.C:
			// Heard throughout: no need to ask.
			if now := x.watcher.epoch.Load(); now == x.epoch && now%2 == 1 {
				continue
			}
			if moved, err := x.watcher.moved(ctx, x.id); err == nil && moved {
				return true
			}
		}
	}
}

// Wait waits for a case that may be on its way already: it asks the row first.
func (w *Watcher) Wait(ctx context.Context, id uuid.UUID) bool {
	x := w.Expect(id)
	defer x.Close()
	if moved, err := w.moved(ctx, id); err == nil && moved {
		return true
	}
	return x.Wait(ctx)
}

// Listening tells whether the connection stands.
func (w *Watcher) Listening() bool { return w.epoch.Load()%2 == 1 }

// Run listens until ctx ends, and connects again whenever the connection is lost.
func (w *Watcher) Run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		heard, err := w.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		w.log.WarnContext(ctx, "cases are not heard, waiting pages ask", slog.Any("error", err))
		if heard {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, longestPause)
	}
}

// listen holds one connection. It does not come from the pool: it would never go back.
func (w *Watcher) listen(ctx context.Context) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, w.db.Config().ConnConfig)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = conn.Close(closing) // nothing is lost with it
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{w.channel}.Sanitize()); err != nil {
		return false, err
	}
	w.epoch.Add(1)
	defer w.epoch.Add(1)
	for {
		if err := w.hear(ctx, conn); err != nil {
			return true, err
		}
	}
}

// hear waits for one notice, or asks a silent connection whether it lives.
func (w *Watcher) hear(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	switch {
	case err == nil:
		if id, err := uuid.FromString(n.Payload); err == nil {
			w.tell(id)
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case waiting.Err() != nil && !conn.IsClosed():
		asking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return conn.Ping(asking)
	}
	return err
}

func (w *Watcher) tell(id uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for watch := range w.waiting[id] {
		select {
		case watch.notice <- struct{}{}:
		default: // one is enough
		}
	}
}
