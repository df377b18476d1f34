package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

const moments = 10

// TestKilled: an agentd with a store of its own is killed at one moment after another while questions, votes and executions are on their way. Whatever it said that
// may be executed is in the log; nothing was executed twice; what people approved can still be executed, once.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := newSurroundings(t, func(data map[string]any) { alone(data, "") })
	data := t.TempDir()
	p, l := s.process(data), s.ledger()
	for moment := range moments {
		var wait sync.WaitGroup
		var n atomic.Int64
		now := make(chan struct{}, 1000)
		for worker := range 4 {
			wait.Go(func() {
				for i := 0; ; i++ {
					a := p.execute()
					l.heard(a)
					if a.code == 0 || !l.life([]*process{p}, 0, fmt.Sprintf("pod-%d-%d-%d", moment, worker, i)) {
						return
					}
					if n.Add(1) <= int64(cap(now)) {
						now <- struct{}{}
					}
				}
			})
		}
		for range 1 + 3*moment { // lives, and then in the middle of the next ones
			<-now
		}
		p.kill()
		wait.Wait()
		p.start()
	}
	unheard := len(l.unheard)
	left := l.settle(p, filepath.Join(data, "escalations.db"))
	t.Logf("killed %d times: %d approvals, %d were brought without an answer, %d of all could still be used", moments, len(l.approved), unheard, left)
	p.end()
	l.recorded(data)
}
