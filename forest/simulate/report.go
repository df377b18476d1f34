package simulate

import (
	"cmp"
	"slices"

	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// Report of a replay.
type Report struct {
	Environment string  `json:"environment,omitempty"`
	Source      string  `json:"source"`
	Agent       string  `json:"agent"`
	Events      int     `json:"events"`
	Days        float64 `json:"days"` // from the first event to the last; 0 where they do not say when they happened
	Labels      int     `json:"labels"`
	Incidents   int     `json:"incidents"` // of them
	Price       float64 `json:"price"`     // of an event that is passed on
	Now         Result  `json:"now"`
	Then        Result  `json:"then"`
	Passes      int     `json:"passes"` // events that would be passed on, and are not
	Drops       int     `json:"drops"`  // the other way round
	Found       int     `json:"found"`  // incidents that would be caught, and are not
	Lost        int     `json:"lost"`   // the other way round
	Moved       []Moved `json:"moved"`  // ten of those that change sides: incidents first, then the most unusual
	Failure     string  `json:"failure,omitempty"`
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
}

// Place of an event beside a threshold.
type Place struct {
	Why        prefilter.Why `json:"why"`
	Percentile float64       `json:"percentile"`
	Threshold  float64       `json:"threshold"`
	Rules      []string      `json:"rules"`
}

func placeOf(d prefilter.Decision) Place { return Place{d.Why, d.Percentile, d.Threshold, d.Rules} }

// mostMoved events are told one by one.
const mostMoved = 10

func (r *Report) moved(passes, incident, recorded bool) {
	if recorded {
		count(passes, &r.Passes, &r.Drops)
	}
	if incident {
		count(passes, &r.Found, &r.Lost)
	}
}

func count(first bool, one, other *int) {
	if first {
		*one++
	} else {
		*other++
	}
}

// room says whether an event is one of those that are told.
func (r *Report) room(m *Moved) bool {
	return len(r.Moved) < mostMoved || weightier(*m, r.Moved[mostMoved-1]) < 0
}

func (r *Report) add(m Moved) {
	at, _ := slices.BinarySearchFunc(r.Moved, m, weightier)
	r.Moved = slices.Insert(r.Moved, at, m)
	r.Moved = r.Moved[:min(len(r.Moved), mostMoved)]
}

// weightier puts incidents first, those that are lost before the others, and then what is most unusual.
func weightier(a, b Moved) int {
	rank := func(m Moved) int {
		switch {
		case m.Incident && !m.Passes:
			return 0
		case m.Incident:
			return 1
		}
		return 2
	}
	unusual := func(m Moved) float64 { return max(m.Now.Percentile, m.Then.Percentile) }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(unusual(b), unusual(a)), cmp.Compare(a.Event, b.Event))
}
