package verdict

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"agentc/compiler/claims"

	"github.com/open-policy-agent/opa/v1/ast"
)

// event is what the prefilter asks about: which percentile must it reach to be worth an agent?
type event struct {
	source, priority, agent, namespace string // empty: missing
	today                              string // empty: missing
	hour                               int    // negative: missing
}

func (e event) input() ast.Value {
	about, now := ast.NewObject(), ast.NewObject()
	for _, field := range []struct {
		of         ast.Object
		name, text string
	}{{about, "source", e.source}, {about, "priority", e.priority}, {about, "agent", e.agent}, {about, "namespace", e.namespace}, {now, "today", e.today}} {
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
	for _, field := range [][2]string{{"source", e.source}, {"priority", e.priority}, {"agent", e.agent}, {"namespace", e.namespace}, {"today", e.today}} {
		if field[1] != "" {
			parts = append(parts, fmt.Sprintf("%s %q", field[0], field[1]))
		}
	}
	if e.hour >= 0 {
		parts = append(parts, fmt.Sprintf("hour %d", e.hour))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing known")
}

// limit is an answer, or what it should be. Class and settings are there where a score decides.
type limit struct {
	Percentile float64
	Rules      []string
	Class      string
	Min, Max   float64
	PerHour    int32
	Shadow     *float64
	Sample     float64
}

func (l limit) String() string {
	return fmt.Sprintf("%v (%s)", l.Percentile, strings.Join(l.Rules, ", "))
}

// settings are those of the class, for whoever sees equal percentiles.
func (l limit) settings() string {
	text := fmt.Sprintf("%v of class %q, %v to %v, %d an hour, a sample of %v", l, l.Class, l.Min, l.Max, l.PerHour, l.Sample)
	if l.Shadow != nil {
		text += fmt.Sprintf(", shadow %v", *l.Shadow)
	}
	return text
}

func (l limit) equal(other limit) bool {
	return l.Percentile == other.Percentile && slices.Equal(l.Rules, other.Rules) && l.sameClass(other)
}

// sameClass says whether all but percentile and rules is equal.
func (l limit) sameClass(other limit) bool {
	shadows := l.Shadow == other.Shadow || l.Shadow != nil && other.Shadow != nil && *l.Shadow == *other.Shadow
	return shadows && l.Class == other.Class && l.Min == other.Min && l.Max == other.Max && l.PerHour == other.PerHour && l.Sample == other.Sample
}

// limit is the threshold that is declared, users' Rego aside.
func (s *spec) limit(e event) limit {
	a := s.Anomaly
	switch {
	case a == nil:
		return limit{Rules: []string{"no-prefilter"}}
	case slices.Contains(a.Always, e.priority):
		return limit{Rules: []string{"always"}}
	}
	c := s.class(e)
	lowest := limit{clamp(c, c.Percentile), []string{"policy"}, c.ID, c.Min, c.Max, c.PerHour, nil, c.Sample}
	if c.ID != "policy" {
		lowest.Rules = []string{"class/" + c.ID}
	}
	first := true
	for _, o := range a.Overrides {
		if !fits(o.Events, e) || e.today == "" || e.today > o.Expires {
			continue
		}
		p := clamp(c, o.Percentile)
		switch {
		case first || p < lowest.Percentile:
			lowest.Percentile, lowest.Rules = p, []string{"override/" + o.ID}
		case p == lowest.Percentile:
			lowest.Rules = append(lowest.Rules, "override/"+o.ID)
		}
		first = false
	}
	slices.Sort(lowest.Rules)
	if c.Shadow != nil {
		shadow := clamp(c, *c.Shadow)
		if !first {
			shadow = lowest.Percentile
		}
		lowest.Shadow = &shadow
	}
	return lowest
}

// class is the one to which an event belongs.
func (s *spec) class(e event) claims.Class {
	for _, c := range byPrecedence(s.Anomaly.Classes) {
		if fits(c.Events, e) {
			return c
		}
	}
	return claims.Class{}
}

// byPrecedence puts those that name most of what an event is first, and of them those that pass on most.
func byPrecedence(classes []claims.Class) []claims.Class {
	return slices.SortedFunc(slices.Values(classes), func(a, b claims.Class) int {
		return cmp.Or(cmp.Compare(len(fieldsOf(b.Events)), len(fieldsOf(a.Events))), cmp.Compare(a.Percentile, b.Percentile), cmp.Compare(a.ID, b.ID))
	})
}

func clamp(c claims.Class, percentile float64) float64 { return max(c.Min, min(c.Max, percentile)) }

// fieldsOf are those that a match names.
func fieldsOf(m claims.Events) map[string]string {
	fields := map[string]string{"source": m.Source, "priority": m.Priority, "agent": m.Agent, "namespace": m.Namespace}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	return fields
}

func fits(m claims.Events, e event) bool {
	has := map[string]string{"source": e.source, "priority": e.priority, "agent": e.agent, "namespace": e.namespace}
	for field, value := range fieldsOf(m) {
		if has[field] != value {
			return false
		}
	}
	return true
}

// events are one of each kind, and beside each class and each override everything that makes it not hold.
func (s *spec) events() []event {
	const early = "2000-01-01"
	kinds := []event{{}, {today: early}, {source: noSuchAgent, priority: noSuchAgent, agent: noSuchAgent, namespace: noSuchAgent, today: early}}
	if a := s.Anomaly; a != nil {
		for _, priority := range a.Always {
			kinds = append(kinds, event{priority: priority, today: early})
		}
		for _, c := range a.Classes {
			kinds = append(kinds, around(c.Events, early)...)
		}
		for _, o := range a.Overrides {
			kinds = append(kinds, around(o.Events, o.Expires)...)
			for _, c := range a.Classes {
				kinds = append(kinds, both(c.Events, o.Events, o.Expires))
			}
		}
		for i, c := range a.Classes {
			for _, other := range a.Classes[:i] {
				kinds = append(kinds, both(c.Events, other.Events, early))
			}
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

// around are an event that fits, and what is next to it: a day too late, without a day, and each field another.
func around(m claims.Events, last string) []event {
	exact := event{source: m.Source, priority: m.Priority, agent: m.Agent, namespace: m.Namespace, today: last}
	late, undated, source, priority, agent, namespace := exact, exact, exact, exact, exact, exact
	late.today, undated.today = dayAfter(last), ""
	source.source, priority.priority, agent.agent, namespace.namespace = noSuchAgent, noSuchAgent, noSuchAgent, noSuchAgent
	return []event{exact, late, undated, source, priority, agent, namespace}
}

// both is an event that fits two matches, or, where they contradict each other, the first.
func both(m, other claims.Events, today string) event {
	return event{
		source: cmp.Or(m.Source, other.Source), priority: cmp.Or(m.Priority, other.Priority),
		agent: cmp.Or(m.Agent, other.Agent), namespace: cmp.Or(m.Namespace, other.Namespace), today: today,
	}
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
		case !got.equal(want) && got.String() == want.String():
			faults = append(faults, thresholdFault(fmt.Sprintf("%v: the bundle says %v, the spec says %v", e, got.settings(), want.settings()), at))
		case !got.equal(want):
			faults = append(faults, thresholdFault(fmt.Sprintf("%v: the bundle says %v, the spec says %v", e, got, want), at))
		}
	}
	return faults
}

func thresholdFault(message string, at claims.At) fault {
	return fault{kind: kindThreshold, group: "the prefilter", file: dataFile, path: []string{"anomaly"}, message: "threshold for " + message, spec: at}
}

// within says whether a threshold that users' Rego decided is one that it may decide: inside the bounds of the event's class, no higher than an
// override that holds, and with the class's settings.
func (a *asker) within(got, want limit) bool {
	if want.Shadow != nil { // what Rego decided holds for what is tried out too
		want.Shadow = &got.Percentile
	}
	if a.spec.Anomaly == nil || !got.sameClass(want) || got.Percentile < want.Min || got.Percentile > want.Max {
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
