package intake

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"agentc/decision/engine"
	"agentc/decision/fleet"
	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// filters are made of one bundle: its thresholds, its forests, and where its events go on to. A new bundle replaces them all in one step; an event is decided
// on and handed over by the ones that it met. The budgets of the hour begin again with them, as low as they can be: too many events are read, and none too few.
type filters struct {
	engine *engine.Engine
	routes map[string]*route // by intake
}

// route of the events of an intake.
type route struct {
	intake  *fleet.Intake
	name    string
	url     string        // of the agent's skill
	timeout time.Duration // of one hand-over
	filter  *filter
	hop     Hop
	now     func() time.Time
}

// filter before an agent. All intakes that lead to the agent share it, for they share its budget. It decides one event at a time.
type filter struct {
	mu      sync.Mutex
	filter  *prefilter.Filter
	scorer  *events.Scorer // for reasons; nil: there is no forest
	failure error          // why there is none, though there should be
}

// filters of the bundle in force; an error says that there is none.
func (s *Service) filters() (*filters, error) {
	e := s.InForce()
	if e == nil {
		return nil, errNoBundle
	}
	if now := s.current.Load(); now != nil && now.engine == e {
		return now, nil
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if now := s.current.Load(); now != nil && now.engine == e {
		return now, nil
	}
	next, err := s.prepare(e)
	if err != nil {
		return nil, err
	}
	s.current.Store(next)
	return next, nil
}

func (s *Service) prepare(e *engine.Engine) (*filters, error) {
	f := e.Fleet
	made := map[string]*filter{}
	all := &filters{e, map[string]*route{}}
	for name, in := range f.Runtime.Intakes {
		agent := f.Agent(in.Agent)
		if agent == nil {
			return nil, fmt.Errorf("the bundle's intake %s leads to the agent %s, which is not in the bundle", name, in.Agent)
		}
		hop, err := s.Hop(in)
		if err != nil {
			return nil, fmt.Errorf("the bundle's intake %s: %w", name, err)
		}
		if made[in.Agent] == nil {
			made[in.Agent] = newFilter(e, in.Agent)
			if err := made[in.Agent].failure; err != nil {
				s.Log.Error("no forest stands before the agent, and every event is passed on to it", "agent", in.Agent, "error", err)
			}
		}
		all.routes[name] = &route{
			intake: in, name: name, hop: hop, filter: made[in.Agent], now: s.Now,
			url: fmt.Sprintf("https://%s:%d/skills/%s", agent.Host, agentPort, in.Skill), timeout: timeout(agent.RequestMs),
		}
	}
	return all, nil
}

// agentPort is where guards listen.
const agentPort = 8443

// timeout of a hand-over: as long as the agent may take.
func timeout(ms int64) time.Duration {
	if ms <= 0 {
		return defaultTimeout
	}
	return min(time.Duration(ms)*time.Millisecond, mostTimeout)
}

const (
	defaultTimeout = 30 * time.Second
	mostTimeout    = time.Hour
)

func newFilter(e *engine.Engine, agent string) *filter {
	f := &filter{}
	m, err := e.Forest(agent)
	if err == nil && m != nil && m.Spec.Source != events.SourceFalco {
		m = nil // it scores the calls that reach the agent
	}
	f.failure = err
	if m != nil {
		f.scorer = m.Scorer()
	}
	var seed [32]byte
	rand.Read(seed[:]) // it never fails
	f.filter = prefilter.New(e, m, seed)
	return f
}

// decide on an event. Of one that cannot be parsed the event is nil, and it is passed on.
func (r *route) decide(ctx context.Context, e *Event, raw []byte) (parsed *events.Event, d prefilter.Decision) {
	parsed, err := events.Parse(raw, events.SourceFalco)
	if err != nil {
		e.Damaged = err.Error()
		d = prefilter.Decision{Why: prefilter.Failed, Err: fmt.Errorf("it is no event: %w", err)}
		parsed = nil
	} else {
		id, _ := parsed.Own("uuid")
		e.UUID = strings.Clone(id[:min(len(id), maxUUID)])
		e.About = prefilter.AboutFalco(parsed, r.name, r.intake.Agent)
		d = r.filter.decide(ctx, parsed, e.About, r.now())
	}
	e.judged(&d)
	return parsed, d
}

// maxUUID is how much of an event's own id is recorded.
const maxUUID = 64

// decide at a time, which is ours: what an event says of its own could make an exception hold that ended, or an hour's budget begin again. What goes wrong
// passes the event on, whatever it is.
func (f *filter) decide(ctx context.Context, e *events.Event, about prefilter.About, now time.Time) (d prefilter.Decision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			d = prefilter.Decision{Why: prefilter.Failed, Err: fmt.Errorf("the prefilter: %v", r)}
		}
	}()
	d = f.filter.Decide(ctx, e, about, now)
	if d.Err == nil && f.failure != nil && !d.Scored {
		d.Err = f.failure
	}
	return d
}

// mostReasons are told of an event.
const mostReasons = 3

// reasons why an event is unusual; none where nobody can say.
func (f *filter) reasons(e *events.Event) (reasons []events.Reason) {
	if f.scorer == nil || e == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		if recover() != nil {
			reasons = nil
		}
	}()
	reasons, err := f.scorer.Reasons(e, mostReasons)
	if err != nil {
		return nil
	}
	return reasons
}
