package point

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"agentc/decision/escalation"
)

// Quarantines are who is in quarantine, as the store said last. Every decision looks here, and none waits for the store; where nobody has heard of the store for too long,
// everybody might be in quarantine.
type Quarantines struct {
	List func(context.Context) ([]escalation.Quarantine, error)
	Now  func() time.Time
	Log  *slog.Logger

	known atomic.Pointer[known]
}

type known struct {
	why map[string]string // by agent
	at  time.Time
}

// Times of looking.
const (
	quarantineEvery = time.Second
	quarantineStale = 10 * time.Second // longer than the store may be slow, and short enough that nobody works on for long
)

// Of an agent: why it is in quarantine, or nothing.
func (q *Quarantines) Of(agent string) (why string, err error) {
	k := q.known.Load()
	if k == nil || q.Now().Sub(k.at) > quarantineStale {
		return "", fmt.Errorf("the store has not answered for %s", quarantineStale)
	}
	return k.why[agent], nil
}

// Look at the store once.
func (q *Quarantines) Look(ctx context.Context) error {
	now := q.Now()
	list, err := q.List(ctx)
	if err != nil {
		return err
	}
	k := &known{why: map[string]string{}, at: now}
	for _, one := range list {
		k.why[one.Agent] = fmt.Sprintf("%s (%s, since %s)", one.Reason, one.By, one.Since.UTC().Format(time.RFC3339))
	}
	q.known.Store(k)
	return nil
}

// Run looks until the context ends.
func (q *Quarantines) Run(ctx context.Context) {
	tick := time.NewTicker(quarantineEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			once, cancel := context.WithTimeout(ctx, quarantineStale/2)
			if err := q.Look(once); err != nil && ctx.Err() == nil {
				q.Log.Error("it is not known who is in quarantine", "error", err)
			}
			cancel()
		}
	}
}
