package engine

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"agentc/decision/fleet"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The table: what policies/core/decision.rego and rules.rego say, on the bundle's data, without Rego. Each function here is named after the rule there
// that it stands for. Numbers are compared by OPA's own function.

// Rules that the core names itself.
const (
	noEdge  = "no-edge"
	noSkill = "no-skill"
	noRule  = "no-rule"
)

type table struct {
	fleet *fleet.Fleet
	rules map[string]*rule
}

// rule of the reviewers, ready to be compared.
type rule struct {
	verdict, reason string
	when            []bound // by name
}

// bound of one value; an empty end is open.
type bound struct {
	name           string
	atLeast, below ast.Number
}

func newTable(f *fleet.Fleet) *table {
	t := &table{f, map[string]*rule{}}
	for id, r := range f.Rules {
		made := &rule{verdict: r.Verdict, reason: r.Reason}
		for _, name := range slices.Sorted(maps.Keys(r.When)) {
			made.when = append(made.when, bound{name, number(r.When[name].AtLeast), number(r.When[name].Below)})
		}
		t.rules[id] = made
	}
	return t
}

// number as the data writes it, which says the same to the letter.
func number(f *float64) ast.Number {
	if f == nil {
		return ""
	}
	text, _ := json.Marshal(*f) // what came out of JSON goes into it
	return ast.Number(text)
}

// finding is one reason, and the verdict that it is for.
type finding struct {
	verdict string
	Reason
}

// grant is one skill that the call would use, with the rules that can apply.
type grant struct {
	name  string
	skill *fleet.Skill
	ids   []string
}

func betweenAgents(q Question) bool { return q.Subject.Type == "agent" && q.Resource.Type == "agent" }

// grants of a call, by the skill's name: the one that it names, or all of them, if it names none and the edge grants all.
func (t *table) grants(q Question, to []grant) []grant {
	callee := t.fleet.Agent(q.Resource.ID)
	if callee == nil || !betweenAgents(q) {
		return to
	}
	add := func(name string) {
		if skill := callee.Skills[name]; skill != nil {
			if g := skill.Callers[q.Subject.ID]; g != nil {
				to = append(to, grant{name, skill, g.Rules})
			}
		}
	}
	if q.Action != "" {
		add(q.Action)
		return to
	}
	if edge := callee.Callers[q.Subject.ID]; edge != nil && edge.AllSkills {
		for _, name := range edge.Skills {
			add(name)
		}
		slices.SortFunc(to, func(a, b grant) int { return strings.Compare(a.name, b.name) })
		to = slices.CompactFunc(to, func(a, b grant) bool { return a.name == b.name })
	}
	return to
}

func (t *table) refusal(q Question) Answer {
	f := Reason{Rule: noEdge, Reason: "The fleet has no edge from this caller to this skill of this agent."}
	if callee := t.fleet.Agent(q.Resource.ID); callee != nil && betweenAgents(q) && q.Action == "" && callee.Callers[q.Subject.ID] != nil {
		f = Reason{Rule: noSkill, Reason: "The call names no skill, and the edge does not grant all of them."}
	}
	return Answer{Verdict: Reject, Rules: []string{f.Rule}, Reasons: []Reason{f}}
}

// stated and unstated findings: of the rules that speak, and of the skills of which none does.
func (t *table) stated(q Question, grants []grant, to []finding) []finding {
	k := values{context: q.Context}
	unstated := false
	for _, g := range grants {
		spoken := false
		for _, id := range g.ids {
			if f, speaks := t.says(id, &k); speaks {
				to, spoken = append(to, f), true
			}
		}
		unstated = unstated || !spoken
	}
	if unstated {
		to = append(to, finding{Escalate, Reason{Rule: noRule, Reason: "No reviewer rule speaks of this call."}})
	}
	return to
}

// says is what a rule says if its condition is true, or if it might be and the rule does not execute. One that is named and not there would have said
// something.
func (t *table) says(id string, k *values) (finding, bool) {
	r := t.rules[id]
	if r == nil {
		return finding{Reject, Reason{Rule: id, Reason: "The bundle does not hold this rule."}}, true
	}
	var missing []any
	for _, b := range r.when {
		value, is := k.of(b.name)
		switch {
		case is && !b.holds(value):
			return finding{}, false
		case !is && r.verdict == Execute:
			missing = unknown // that it is not empty is all that matters
		case !is:
			missing = append(missing, b.name)
		}
	}
	switch {
	case missing == nil:
		return finding{r.verdict, Reason{Rule: id, Reason: r.reason}}, true
	case r.verdict == Execute:
		return finding{}, false
	}
	return finding{Escalate, Reason{Rule: id, Reason: r.reason, Unknown: missing}}, true
}

var unknown = []any{nil}

// holds is atLeast <= value < below.
func (b *bound) holds(value ast.Number) bool {
	return (b.atLeast == "" || ast.NumberCompare(b.atLeast, value) <= 0) && (b.below == "" || ast.NumberCompare(value, b.below) < 0)
}

// values are what a question's context says and a rule may bound, each looked up once.
type values struct {
	context             map[string]any
	confidence, anomaly scaled
}

type scaled struct {
	value        ast.Number
	looked, here bool
}

// of is the value of that name, if it is a number on its scale.
func (k *values) of(name string) (ast.Number, bool) {
	switch name {
	case "confidence":
		return k.confidence.get(k.context, "1", "confidence", "")
	case "anomaly":
		return k.anomaly.get(k.context, "100", "anomaly", "percentile")
	}
	return "", false
}

func (s *scaled) get(context map[string]any, high ast.Number, name, inner string) (ast.Number, bool) {
	if !s.looked {
		n, is := numberAt(context[name], inner)
		s.value, s.looked = n, true
		s.here = is && ast.NumberCompare(n, "0") >= 0 && ast.NumberCompare(n, high) <= 0
	}
	return s.value, s.here
}

// numberAt is the number that a value is, or that it holds under a name. Questions in JSON have no other kinds of values than the first; what others
// have, OPA's own conversion reads.
func numberAt(value any, inner string) (ast.Number, bool) {
	if object, is := value.(map[string]any); is && inner != "" {
		return numberAt(object[inner], "")
	}
	switch value := value.(type) {
	case json.Number:
		return ast.Number(value), inner == ""
	case nil, bool, string, []any, map[string]any:
		return "", false
	}
	converted, err := ast.InterfaceToValue(value)
	if err == nil && inner != "" {
		converted, err = converted.Find(ast.Ref{ast.StringTerm(inner)})
	}
	n, is := converted.(ast.Number)
	return n, is && err == nil
}

// conclude the strictest of the findings, with what carries it.
func (t *table) conclude(q Question, grants []grant, findings []finding) Answer {
	a := Answer{Verdict: verdict(findings), Risk: risk(grants)}
	deciding := slices.DeleteFunc(findings, func(f finding) bool { return f.verdict != a.Verdict })
	slices.SortFunc(deciding, compare)
	deciding = slices.CompactFunc(deciding, func(x, y finding) bool { return compare(x, y) == 0 })
	a.Rules, a.Reasons = make([]string, len(deciding)), make([]Reason, len(deciding))
	for i, f := range deciding {
		a.Rules[i], a.Reasons[i] = f.Rule, f.Reason
	}
	slices.Sort(a.Rules)
	a.Rules = slices.Compact(a.Rules)
	if a.Verdict == Escalate {
		a.Route = t.route(a.Rules)
	}
	return a
}

// verdict is the strictest. What is no verdict rejects.
func verdict(findings []finding) string {
	strictest := Execute
	for _, f := range findings {
		switch f.verdict {
		case Execute:
		case Escalate:
			strictest = Escalate
		default:
			return Reject
		}
	}
	return strictest
}

// compare as Rego sorts the findings of one verdict: by the texts, then the rules; what is unknown comes first.
func compare(a, b finding) int {
	if c := cmp.Or(strings.Compare(a.Reason.Reason, b.Reason.Reason), strings.Compare(a.Rule, b.Rule)); c != 0 {
		return c
	}
	x, _ := a.Unknown.([]any)
	y, _ := b.Unknown.([]any)
	return len(y) - len(x) // of one rule: either both lack the same, or one of them is not the rule's
}

// risk is the highest of the skills.
func risk(grants []grant) string {
	highest := -1
	for _, g := range grants {
		highest = max(highest, slices.Index(ranks[:], g.skill.Risk))
	}
	if highest < 0 {
		return ""
	}
	return ranks[highest]
}

var ranks = [...]string{"low", "medium", "high", "critical"}

// route is the one with the highest quorum, and of those the first by name.
func (t *table) route(rules []string) string {
	best, quorum := "", 0
	for _, id := range rules {
		name := t.fleet.Escalation.DefaultRoute
		if r := t.fleet.Rules[id]; r != nil && r.Route != "" {
			name = r.Route
		}
		r := t.fleet.Escalation.Routes[name]
		if r == nil {
			continue
		}
		if r.Quorum > quorum || r.Quorum == quorum && name < best {
			best, quorum = name, r.Quorum
		}
	}
	return best
}
