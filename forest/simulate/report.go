package simulate

import (
	"cmp"

	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// Report of a replay.
type Report struct {
	Of
	Events    int      `json:"events"`
	Days      float64  `json:"days"`      // that the recording covers; 0 where it is less than an hour, or nobody knows
	Undated   int      `json:"undated"`   // events that do not say when they happened
	Late      int      `json:"late"`      // events that are older than one before them
	Strange   int      `json:"strange"`   // events with none of the fields that the forest reads
	Elsewhere int      `json:"elsewhere"` // labels of events that are not in the recording
	Unfound   int      `json:"unfound"`   // those of them that are but a uuid
	Labels    int      `json:"labels"`
	Incidents int      `json:"incidents"` // of them
	Price     float64  `json:"price"`     // of an event that is passed on
	Now       Result   `json:"now"`
	Then      Result   `json:"then"`
	Passes    int      `json:"passes"` // events that would be passed on, and are not
	Drops     int      `json:"drops"`  // the other way round
	Found     int      `json:"found"`  // incidents that would be caught, and are not
	Lost      int      `json:"lost"`   // the other way round
	Moved     []*Moved `json:"moved"`  // ten kinds of those that change sides: incidents first, then the most unusual
	Failure   string   `json:"failure,omitempty"`
}

// Result of a side.
type Result struct {
	Name    string                `json:"name"`
	Passed  int                   `json:"passed"`
	Why     map[prefilter.Why]int `json:"why"`
	Shadow  int                   `json:"shadow"`  // events that the threshold to try out would pass on
	AtBound int                   `json:"atBound"` // hours in which a budget was at its bound
	Caught  int                   `json:"caught"`  // labelled incidents that pass
	Benign  int                   `json:"benign"`  // events that pass and that were labelled benign
}

// Moved is an event that changes sides.
type Moved struct {
	Event    int             `json:"event"` // its number, from 1; 0: it is in the labels alone
	Time     string          `json:"time,omitempty"`
	Rule     string          `json:"rule,omitempty"`
	About    prefilter.About `json:"about"`
	Incident bool            `json:"incident,omitempty"` // labelled as one
	Passes   bool            `json:"passes"`             // by the proposed policy, and not by the other
	Now      Place           `json:"now"`
	Then     Place           `json:"then"`
	Reasons  []events.Reason `json:"reasons"`
	Alike    int             `json:"alike"` // events of the same rule, source, priority, agent and namespace that change sides likewise, this one included
}

// Place of an event beside a threshold.
type Place struct {
	Why        prefilter.Why `json:"why"`
	Percentile float64       `json:"percentile"`
	Threshold  float64       `json:"threshold"`
	Base       float64       `json:"base"` // the threshold without the budget
	Rules      []string      `json:"rules"`
}

func placeOf(d prefilter.Decision) Place {
	return Place{d.Why, d.Percentile, d.Threshold, d.Limit.Percentile, d.Rules}
}

// mostMoved events are told one by one.
const mostMoved = 10

// count an event that changes sides.
func (r *Report) count(m *Moved) {
	counters := [2]*int{&r.Drops, &r.Passes}
	incidents := [2]*int{&r.Lost, &r.Found}
	which := 0
	if m.Passes {
		which = 1
	}
	if m.Event > 0 {
		*counters[which]++
	}
	if m.Incident {
		*incidents[which]++
	}
}

// weightier puts incidents first, those that are lost before the others, and then what is most unusual.
func weightier(a, b *Moved) int {
	rank := func(m *Moved) int {
		switch {
		case m.Incident && !m.Passes:
			return 0
		case m.Incident:
			return 1
		}
		return 2
	}
	unusual := func(m *Moved) float64 { return max(m.Now.Percentile, m.Then.Percentile) }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(unusual(b), unusual(a)), cmp.Compare(a.Event, b.Event),
		cmp.Compare(a.Time, b.Time), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.About.Namespace, b.About.Namespace), cmp.Compare(a.About.Priority, b.About.Priority))
}
