package approvals

import (
	"context"
	"sync"
	"time"
)

// Watch tells any number of waiters when the store's version changes, at the price of one look at the store every now and then, and none while nobody
// waits. Steps of other replicas are seen as well as one's own.
type Watch struct {
	version func(context.Context) (int64, error)
	every   time.Duration

	mu      sync.Mutex
	last    int64
	known   bool
	waiting int
	looking bool
	changed chan struct{} // closed at the next change
}

// maxWaiting is how many may wait at once. Others are answered at once.
const maxWaiting = 1000

// NewWatch looks every so often.
func NewWatch(version func(context.Context) (int64, error), every time.Duration) *Watch {
	return &Watch{version: version, every: every, changed: make(chan struct{})}
}

// Wait until the version is later than the one seen, or the context ends. It returns the version that it knows; false: there are too many waiters.
func (w *Watch) Wait(ctx context.Context, seen int64) (int64, bool) {
	w.mu.Lock()
	if w.waiting >= maxWaiting {
		w.mu.Unlock()
		return seen, false
	}
	w.waiting++
	if !w.looking {
		w.looking, w.known = true, false
		go w.look()
	}
	defer func() {
		w.mu.Lock()
		w.waiting--
		w.mu.Unlock()
	}()
	for ctx.Err() == nil && (!w.known || w.last <= seen) {
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
	}
	last := seen
	if w.known {
		last = max(w.last, seen)
	}
	w.mu.Unlock()
	return last, true
}

// look at the version as long as somebody waits.
func (w *Watch) look() {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		version, err := w.version(ctx)
		cancel()
		w.mu.Lock()
		if err == nil && (!w.known || version != w.last) {
			w.last, w.known = version, true
			close(w.changed)
			w.changed = make(chan struct{})
		}
		w.mu.Unlock()
		time.Sleep(w.every)
		w.mu.Lock()
		if w.waiting == 0 {
			w.looking = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}
