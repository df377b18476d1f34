// Package simulate replays recorded events against two policies, the one in force and the one that is proposed: what would be passed on, what it
// would cost, which incidents would be caught or lost, and which events would change sides.
package simulate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// Side is one of the two policies at work.
type Side struct {
	Name   string // for people: generated/prod/bundle
	Policy prefilter.Policy
	Model  *events.Model // nil: no forest stands before the agent
}

// Of which events a replay is.
type Of struct {
	Environment string `json:"environment"`
	Source      string `json:"source"` // the intake that they come by
	Agent       string `json:"agent"`  // that they go to
}

// Replay of events that one intake hands to one agent.
type Replay struct {
	labels    []events.Label
	said      map[string]bool // incident, by id
	seen      map[string]bool
	now, then *tally
	moved     map[alike]*Moved
	report    Report
	span      events.Span
	latest    time.Time // of the events so far
}

// tally of a side.
type tally struct {
	side    Side
	filter  *prefilter.Filter
	reasons *events.Scorer
	result  Result
	atBound map[int64]bool // hours in which a budget was
}

// New replay. What both sides draw for their samples is the same, or the sample alone would make events change sides.
func New(of Of, now, then Side, labels []events.Label) *Replay {
	r := &Replay{labels: labels, said: events.Incidents(labels), seen: map[string]bool{}, moved: map[alike]*Moved{}, now: newTally(now), then: newTally(then)}
	r.report = Report{Of: of}
	return r
}

func (s Side) filter() *prefilter.Filter { return prefilter.New(s.Policy, s.Model, [32]byte{}) }

func newTally(s Side) *tally {
	t := &tally{side: s, filter: s.filter(), atBound: map[int64]bool{}}
	t.result = Result{Name: s.Name, Why: map[prefilter.Why]int{}}
	if s.Model != nil {
		t.reasons = s.Model.Scorer()
	}
	return t
}

// Event of the recording, in the order of time. One that is older than another before it by more than a step of the budgets is counted: budgets take
// it for a later one.
func (r *Replay) Event(ctx context.Context, e *events.Event) error {
	r.report.Events++
	at, known := e.Time()
	switch {
	case !known:
		r.report.Undated++
	case r.latest.Sub(at) > late:
		r.report.Late++
		r.span.Add(at)
	default:
		r.span.Add(at)
		if at.After(r.latest) {
			r.latest = at
		}
	}
	if scorer := r.then.reasons; scorer != nil && !scorer.Sees(e) {
		r.report.Strange++
	}
	return r.decide(ctx, e, at, r.report.Events)
}

// late is how much older than one before it an event may be.
const late = 5 * time.Minute

// decide on an event by both sides, at a time, the zero time where it is not known. A number of 0 says that it is in the labels alone: it counts for
// what was said of it, and for nothing else, and no budget of the recording holds for it.
func (r *Replay) decide(ctx context.Context, e *events.Event, at time.Time, number int) error {
	about := prefilter.AboutFalco(e, r.report.Source, r.report.Agent)
	nowFilter, thenFilter := r.now.filter, r.then.filter
	if number == 0 {
		nowFilter, thenFilter = r.now.side.filter(), r.then.side.filter()
	}
	now, then := nowFilter.Decide(ctx, e, about, at), thenFilter.Decide(ctx, e, about, at)
	for _, d := range []prefilter.Decision{now, then} {
		if d.Err != nil && r.report.Failure == "" {
			r.report.Failure = d.Err.Error()
		}
	}
	if number > 0 {
		r.now.count(&now, at)
		r.then.count(&then, at)
	}
	incident, labelled := r.label(e)
	if labelled {
		r.now.judge(&now, incident)
		r.then.judge(&then, incident)
	}
	if now.Passed() != then.Passed() {
		return r.move(e, Moved{Event: number, About: about, Incident: labelled && incident, Passes: then.Passed(), Now: placeOf(now), Then: placeOf(then)})
	}
	return nil
}

// move takes an event that changes sides. Of those that are alike the most unusual is kept.
func (r *Replay) move(e *events.Event, m Moved) (err error) {
	r.report.count(&m)
	rule, _ := e.Own("rule")
	m.Rule = strings.Clone(rule) // kept for longer than the event
	like := alike{m.Rule, m.About, m.Incident, m.Passes}
	known := r.moved[like]
	switch {
	case known == nil && len(r.moved) >= mostAlike && !m.Incident:
		return nil
	case known == nil:
		m.Alike = 1
		r.moved[like] = &m
	default:
		known.Alike++
		if weightier(&m, known) >= 0 {
			return nil
		}
		m.Alike = known.Alike
		r.moved[like] = &m
	}
	at, _ := e.Own("time")
	m.Time = strings.Clone(at)
	for _, side := range []*tally{r.then, r.now} {
		if side.reasons != nil {
			m.Reasons, err = side.reasons.Reasons(e, 3)
			return err
		}
	}
	return nil
}

// alike are events that people would not tell apart.
type alike struct {
	rule             string
	about            prefilter.About
	incident, passes bool
}

// mostAlike kinds of events are kept, of what somebody may have invented.
const mostAlike = 4096

// label of an event. Of events that are alike the first has it.
func (r *Replay) label(e *events.Event) (incident, labelled bool) {
	if len(r.said) == 0 { // an id may cost a digest
		return false, false
	}
	id := e.ID()
	incident, labelled = r.said[id]
	labelled = labelled && !r.seen[id]
	if labelled {
		r.seen[id] = true
	}
	return incident, labelled
}

func (t *tally) count(d *prefilter.Decision, at time.Time) {
	t.result.Why[d.Why]++
	if d.Passed() {
		t.result.Passed++
	}
	if d.Shadow {
		t.result.Shadow++
	}
	if d.AtBound {
		t.atBound[at.Unix()/3600] = true
	}
}

func (t *tally) judge(d *prefilter.Decision, incident bool) {
	switch {
	case d.Passed() && incident:
		t.result.Caught++
	case d.Passed():
		t.result.Benign++
	}
}

// Report ends the replay. Labelled events that were not in the recording are judged last.
func (r *Replay) Report(ctx context.Context, price float64) (*Report, error) {
	for _, l := range r.labels {
		if !r.seen[l.Event.ID()] {
			if r.report.Elsewhere++; l.Event.Bare() {
				r.report.Unfound++
				continue
			}
			at, _ := l.Event.Time()
			if err := r.decide(ctx, l.Event, at, 0); err != nil {
				return nil, err
			}
		}
	}
	for id, incident := range r.said {
		if incident && r.seen[id] {
			r.report.Incidents++
		}
	}
	r.report.Labels = len(r.seen)
	r.report.Price = price
	r.report.Days = r.span.Days()
	r.report.Moved = slices.SortedFunc(maps.Values(r.moved), weightier)
	r.report.Moved = r.report.Moved[:min(len(r.report.Moved), mostMoved)]
	r.report.Now, r.report.Then = r.now.end(), r.then.end()
	return &r.report, nil
}

func (t *tally) end() Result {
	t.result.AtBound = len(t.atBound)
	return t.result
}
