package verdict

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentc/compiler/claims"

	"github.com/open-policy-agent/opa/v1/ast"
)

// event is what the prefilter asks about: which percentile must it reach to be worth an agent?
type event struct {
	source, priority, namespace string // empty: missing
	today                       string // empty: missing
	hour                        int    // negative: missing
}

func (e event) input() ast.Value {
	about, now := ast.NewObject(), ast.NewObject()
	for _, field := range []struct {
		of         ast.Object
		name, text string
	}{{about, "source", e.source}, {about, "priority", e.priority}, {about, "namespace", e.namespace}, {now, "today", e.today}} {
		if field.text != "" {
			field.of.Insert(ast.InternedTerm(field.name), ast.StringTerm(field.text))
		}
	}
	if e.hour >= 0 {
		now.Insert(ast.InternedTerm("hour"), ast.InternedTerm(e.hour))
	}
	return object("event", about, "context", now)
}

func (e event) String() string {
	var parts []string
	for _, field := range [][2]string{{"source", e.source}, {"priority", e.priority}, {"namespace", e.namespace}, {"today", e.today}} {
		if field[1] != "" {
			parts = append(parts, fmt.Sprintf("%s %q", field[0], field[1]))
		}
	}
	if e.hour >= 0 {
		parts = append(parts, fmt.Sprintf("hour %d", e.hour))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing known")
}

// limit is an answer, or what it should be.
type limit struct {
	Percentile float64
	Rules      []string
}

func (l limit) String() string {
	return fmt.Sprintf("%v (%s)", l.Percentile, strings.Join(l.Rules, ", "))
}

func (l limit) equal(other limit) bool {
	return l.Percentile == other.Percentile && slices.Equal(l.Rules, other.Rules)
}

// limit is the threshold that is declared, users' Rego aside.
func (s *spec) limit(e event) limit {
	a := s.Anomaly
	switch {
	case a == nil:
		return limit{0, []string{"no-prefilter"}}
	case slices.Contains(a.Always, e.priority):
		return limit{0, []string{"always"}}
	}
	lowest := limit{Percentile: clamp(a, a.Percentile), Rules: []string{"policy"}}
	first := true
	for _, o := range a.Overrides {
		if !fits(o, e) {
			continue
		}
		p := clamp(a, o.Percentile)
		switch {
		case first || p < lowest.Percentile:
			lowest = limit{p, []string{"override/" + o.ID}}
		case p == lowest.Percentile:
			lowest.Rules = append(lowest.Rules, "override/"+o.ID)
		}
		first = false
	}
	slices.Sort(lowest.Rules)
	return lowest
}

func clamp(a *claims.Anomaly, percentile float64) float64 { return max(a.Min, min(a.Max, percentile)) }

func fits(o claims.Override, e event) bool {
	for _, field := range [][2]string{{o.Source, e.source}, {o.Priority, e.priority}, {o.Namespace, e.namespace}} {
		if field[0] != "" && field[0] != field[1] {
			return false
		}
	}
	return e.today != "" && e.today <= o.Expires
}

// events are one of each kind, and beside each override everything that makes it not hold.
func (s *spec) events() []event {
	const early = "2000-01-01"
	kinds := []event{{}, {today: early}, {source: noSuchAgent, priority: noSuchAgent, namespace: noSuchAgent, today: early}}
	if a := s.Anomaly; a != nil {
		for _, priority := range a.Always {
			kinds = append(kinds, event{priority: priority, today: early})
		}
		for _, o := range a.Overrides {
			exact := event{source: o.Source, priority: o.Priority, namespace: o.Namespace, today: o.Expires}
			late, undated, source, priority, namespace := exact, exact, exact, exact, exact
			late.today, undated.today = dayAfter(o.Expires), ""
			source.source, priority.priority, namespace.namespace = noSuchAgent, noSuchAgent, noSuchAgent
			kinds = append(kinds, exact, late, undated, source, priority, namespace)
		}
	}
	var all []event
	for _, e := range kinds {
		for _, hour := range []int{-1, 3, 12} { // reviewers think of the night
			e.hour = hour
			all = append(all, e)
		}
	}
	return all
}

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// thresholds asks the second entry point.
func (a *asker) thresholds(ctx context.Context) []fault {
	var faults []fault
	at := a.spec.env.At
	if a.spec.Anomaly != nil {
		at = a.spec.Anomaly.At
	}
	for _, e := range a.spec.events() {
		want := a.spec.limit(e)
		got, err := a.threshold(ctx, &a.engines.whole, e)
		if err == nil && a.engines.core != nil && len(reviewersOf(got.Rules)) > 0 {
			if !a.within(got, want) {
				faults = append(faults, thresholdFault(fmt.Sprintf("%v: the bundle says %v, which the spec's bounds and overrides do not allow", e, got), at))
				continue
			}
			got, err = a.threshold(ctx, a.engines.core, e)
		}
		switch {
		case err != nil:
			faults = append(faults, thresholdFault(fmt.Sprintf("%v: the bundle says nothing: %v", e, err), at))
		case !got.equal(want):
			faults = append(faults, thresholdFault(fmt.Sprintf("%v: the bundle says %v, the spec says %v", e, got, want), at))
		}
	}
	return faults
}

func thresholdFault(message string, at claims.At) fault {
	return fault{kind: kindThreshold, group: "the prefilter", file: dataFile, path: []string{"anomaly"}, message: "threshold for " + message, spec: at}
}

// within says whether a threshold that users' Rego decided is one that it may decide: inside the bounds, and no higher than an override that
// holds.
func (a *asker) within(got, want limit) bool {
	bounds := a.spec.Anomaly
	if bounds == nil || got.Percentile < bounds.Min || got.Percentile > bounds.Max {
		return false
	}
	overrides := strings.HasPrefix(want.Rules[0], "override/")
	others := len(got.Rules) - len(reviewersOf(got.Rules))
	switch {
	case want.Rules[0] == "always":
		return false
	case overrides && got.Percentile == want.Percentile:
		return others == len(want.Rules)
	case overrides && got.Percentile > want.Percentile:
		return false
	}
	return others == 0
}

func (a *asker) threshold(ctx context.Context, e *engine, about event) (limit, error) {
	a.count.Add(1)
	var l limit
	err := evaluate(ctx, e.threshold, about.input(), &l)
	return l, err
}
