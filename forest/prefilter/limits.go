package prefilter

import (
	"context"
	"time"
)

// limits remembers what the policy said: it may know only the hour, and little of an event, so that most events are like one before.
type limits struct {
	hour  int64
	known map[About]Limit
}

// mostLimits that are remembered. An attacker can invent namespaces; then the policy is asked again.
const mostLimits = 4096

func (l *limits) of(ctx context.Context, p Policy, about About, at time.Time) (Limit, error) {
	if hour := at.Unix() / 3600; l.known == nil || hour != l.hour || len(l.known) >= mostLimits {
		l.hour, l.known = hour, map[About]Limit{}
	}
	if limit, known := l.known[about]; known {
		return limit, nil
	}
	limit, err := p.Limit(ctx, about, at)
	if err == nil {
		l.known[about] = limit
	}
	return limit, err
}
