package point

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"agentc/decision/escalation"
)

// Quarantines are who is in quarantine, as the store said last. Every decision looks here, and none waits for the store; where nobody has heard of the store for too long,
// everybody might be in quarantine.
type Quarantines struct {
	List func(context.Context) ([]escalation.Quarantine, error)
	Now  func() time.Time

	known atomic.Pointer[known]
}

type known struct {
	why map[string]string // by agent
	at  time.Time
}

// quarantineStale is how long what was heard counts: longer than the store may be slow, and short enough that nobody works on for long.
const quarantineStale = 10 * time.Second

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
	ctx, cancel := context.WithTimeout(ctx, quarantineStale/2)
	defer cancel()
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
