package mattermost

import (
	"sync"
	"time"
)

// rate lets some requests a second through, and some more at once.
type rate struct {
	mu     sync.Mutex
	perSec float64
	burst  float64
	left   float64
	last   time.Time
}

func (r *rate) allow(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.IsZero() {
		r.left = r.burst
	} else if passed := now.Sub(r.last).Seconds(); passed > 0 {
		r.left = min(r.burst, r.left+passed*r.perSec)
	}
	r.last = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
