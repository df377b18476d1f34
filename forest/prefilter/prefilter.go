// Package prefilter decides which events are worth an agent: by how unusual the forest says they are, and from which percentile on the reviewers'
// policy says that this is enough. Whatever goes wrong on the way passes the event on: one too many is read, one too few is missed.
package prefilter

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"agentc/forest/events"
)

// About is what the policy may know of an event.
type About struct {
	Source    string `json:"source,omitempty"`    // the intake that it came by
	Priority  string `json:"priority,omitempty"`  // as Falco spells it
	Agent     string `json:"agent,omitempty"`     // that it goes to
	Namespace string `json:"namespace,omitempty"` // that it comes from
}

// AboutFalco is what an event of Falco says of itself, on the way from an intake to an agent. Of the priority the event's own word counts, in any
// case of letters, and none that a rule printed. The texts are copies: they are kept for longer than the event.
func AboutFalco(e *events.Event, source, agent string) About {
	about := About{Source: source, Agent: agent}
	said, _ := e.Own("priority")
	for _, p := range priorities {
		if strings.EqualFold(strings.TrimSpace(said), p) {
			about.Priority = p
		}
	}
	namespace, _ := e.Get("k8s.ns.name")
	about.Namespace = strings.Clone(namespace)
	return about
}

// priorities as Falco spells them.
var priorities = []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}

var errPriority = errors.New("an event without one of Falco's priorities may be above every floor")

// Limit is what the policy says of an event: the second entry point of the bundle, `threshold`.
type Limit struct {
	Percentile float64  `json:"percentile"` // from which it is passed on
	Rules      []string `json:"rules"`      // that set it
	Class      string   `json:"class"`      // of the event; empty where no score decides: the settings below are of the class
	Min        float64  `json:"min"`
	Max        float64  `json:"max"`
	PerHour    int      `json:"perHour"` // events of a namespace that may pass in an hour; 0: any number
	Shadow     *float64 `json:"shadow"`  // a percentile that is tried out; nil: none
	Sample     float64  `json:"sample"`  // of the events below, in percent
}

// Policy of the reviewers.
type Policy interface {
	// Limit of an event at a time.
	Limit(ctx context.Context, about About, at time.Time) (Limit, error)
}

// Why an event was passed on, or not.
type Why string

// The reasons, of which all but Below pass an event on.
const (
	Score  Why = "score"  // it is unusual enough
	Always Why = "always" // by its priority, or since there is no threshold
	Sample Why = "sample" // by lot, though it is not unusual enough
	Failed Why = "failed" // nothing could be said of it
	Below  Why = "below"  // it is not unusual enough
)

// Decision on an event.
type Decision struct {
	Limit
	Why        Why
	Threshold  float64 // the limit's percentile, or what the budget made of it
	Percentile float64 // of the event; 0 where it could not be scored
	Score      float64 // the forest's own figure that the percentile is of
	Scored     bool
	Shadow     bool // the threshold that is tried out would pass it on
	AtBound    bool // the budget would raise the threshold further, and the bounds do not let it
	Err        error
}

// Passed says whether the event goes on.
func (d *Decision) Passed() bool { return d.Why != Below }

// Filter decides on events of one agent, one at a time.
type Filter struct {
	policy  Policy
	scorer  *events.Scorer // nil: no forest stands before the agent
	random  *rand.Rand
	budgets budgets
	limits  limits
}

// New makes a filter. What is drawn for the sample follows from the seed: whoever knows it knows which events nobody sees.
func New(p Policy, m *events.Model, seed [32]byte) *Filter {
	f := &Filter{policy: p, random: rand.New(rand.NewChaCha8(seed))}
	if m != nil {
		f.scorer = m.Scorer()
	}
	return f
}

// Decide on an event, and count it where it passes. The zero time is one that is not known.
func (f *Filter) Decide(ctx context.Context, e *events.Event, about About, at time.Time) Decision {
	limit, err := f.limits.of(ctx, f.policy, about, at)
	d := Decision{Limit: limit, Threshold: limit.Percentile, Err: err}
	lot := 100 * f.random.Float64() // drawn for every event: who is drawn does not depend on the threshold
	d.score(f.scorer, e)
	if about.Priority == "" && d.Err == nil && limit.Class != "" {
		d.Err = errPriority
	}
	switch {
	case d.Err != nil:
		d.Why = Failed
		return d
	case limit.Class == "":
		d.Why = Always
		return d
	case !d.Scored:
		d.Why = Failed
		return d
	}
	budget := f.budgets.at(limit, about.Namespace, at)
	d.Threshold, d.AtBound = budget.threshold(limit)
	d.Shadow = limit.Shadow != nil && d.Percentile >= *limit.Shadow
	switch {
	case d.Percentile >= d.Threshold:
		d.Why = Score
		budget.passed()
	case lot < limit.Sample:
		d.Why = Sample
	default:
		d.Why = Below
	}
	return d
}

func (d *Decision) score(s *events.Scorer, e *events.Event) {
	if s == nil {
		return
	}
	r, err := s.Score(e)
	if err != nil {
		d.Err = err
		return
	}
	d.Score, d.Percentile, d.Scored = r.Score, r.Percentile, s.Forest.Quantiles.Rows > 0 // without them everything would be at 0
}
