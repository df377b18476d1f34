package verdict

import (
	"slices"
	"strings"

	"agentc/compiler/claims"
)

// The verdicts that are declared: computed from the claims, in the order of severity that docs/reviewers.md describes, with neither the
// core's Rego nor the compiler's own reference.

// spec is the claims of one environment, found by name.
type spec struct {
	*claims.Decisions
	env    *claims.Environment
	agents map[string]*claims.Callee
	edges  map[[2]string]*claims.Edge // by callee and the caller's SPIFFE id
	rules  map[string]*claims.Rule
	routes map[string]*claims.Route
	names  map[string]string // of callers, by SPIFFE id
}

func newSpec(env *claims.Environment) *spec {
	s := &spec{
		Decisions: &env.Decisions, env: env, agents: map[string]*claims.Callee{}, edges: map[[2]string]*claims.Edge{},
		rules: map[string]*claims.Rule{}, routes: map[string]*claims.Route{}, names: map[string]string{},
	}
	for _, w := range env.Workloads {
		s.names[w.SPIFFE] = w.Name
	}
	for i := range s.Agents {
		a := &s.Agents[i]
		s.agents[a.Name] = a
		for j := range a.Callers {
			e := &a.Callers[j]
			s.edges[[2]string{a.Name, e.SPIFFE}] = e
			s.names[e.SPIFFE] = e.Caller
		}
	}
	for i := range s.Rules {
		s.rules[s.Rules[i].ID] = &s.Rules[i]
	}
	for i := range s.Escalation.Routes {
		s.routes[s.Escalation.Routes[i].Name] = &s.Escalation.Routes[i]
	}
	return s
}

func (s *spec) edge(callee, caller string) *claims.Edge { return s.edges[[2]string{callee, caller}] }

// severities of verdicts, and of risks, the least first.
var (
	severities = []string{"auto-execute", "escalate", "auto-reject"}
	risks      = []string{"low", "medium", "high", "critical"}
)

func severity(verdict string) int { return slices.Index(severities, verdict) }

// ruling is an answer, or what it should be.
type ruling struct {
	verdict string
	rules   []string // that decide, sorted
	route   string   // of an escalation
	risk    string   // empty where nothing is granted
}

func (r ruling) equal(other ruling) bool {
	return r.verdict == other.verdict && r.route == other.route && r.risk == other.risk && slices.Equal(r.rules, other.rules)
}

// refused is the answer to whoever has no edge, or asks for more than it grants.
func refused(why string) ruling { return ruling{verdict: "auto-reject", rules: []string{why}} }

// declared is the answer that the spec asks for, users' Rego aside.
func (s *spec) declared(q question) ruling {
	edge := s.edge(q.callee, q.caller)
	if edge == nil || q.subject != typeAgent || q.resource != typeAgent {
		return refused("no-edge")
	}
	grants := edge.Grants
	switch {
	case q.skill == "" && !edge.AllSkills:
		return refused("no-skill")
	case q.skill != "":
		i := slices.IndexFunc(grants, func(g claims.Grant) bool { return g.Skill == q.skill })
		if i < 0 {
			return refused("no-edge")
		}
		grants = grants[i : i+1]
	}
	r := s.strictest(grants, q.situation)
	r.risk = s.risk(q.callee, grants)
	return r
}

// strictest is the strictest of what the rules say of all grants. A grant of which no rule speaks escalates.
func (s *spec) strictest(grants []claims.Grant, now situation) ruling {
	said := map[string][]string{} // rules by verdict
	for _, g := range grants {
		silent := true
		for _, id := range g.Rules {
			if verdict := says(s.rules[id], now); verdict != "" {
				said[verdict] = append(said[verdict], id)
				silent = false
			}
		}
		if silent {
			said["escalate"] = append(said["escalate"], "no-rule")
		}
	}
	for _, verdict := range slices.Backward(severities) {
		if len(said[verdict]) > 0 {
			return s.ruling(verdict, said[verdict])
		}
	}
	return refused("no-edge") // an edge has a grant
}

func (s *spec) ruling(verdict string, rules []string) ruling {
	r := ruling{verdict: verdict, rules: slices.Compact(slices.Sorted(slices.Values(rules)))}
	if verdict == "escalate" {
		r.route = s.route(r.rules)
	}
	return r
}

// route is the one with the highest quorum, and of several the first by name.
func (s *spec) route(rules []string) string {
	best, quorum := "", int32(-1)
	for _, id := range rules {
		name := s.Escalation.DefaultRoute
		if rule := s.rules[id]; rule != nil && rule.Route != "" { // one that rejects has none, and escalates where it knows too little
			name = rule.Route
		}
		if r := s.routes[name]; r != nil && (r.Quorum > quorum || r.Quorum == quorum && name < best) {
			best, quorum = name, r.Quorum
		}
	}
	return best
}

func (s *spec) risk(callee string, grants []claims.Grant) string {
	highest := -1
	for _, skill := range s.agents[callee].Skills {
		if slices.ContainsFunc(grants, func(g claims.Grant) bool { return g.Skill == skill.ID }) {
			highest = max(highest, slices.Index(risks, skill.Risk))
		}
	}
	if highest < 0 {
		return ""
	}
	return risks[highest]
}

// says is the verdict of a rule, or nothing. What is not known never executes; whatever else the rule would say becomes an escalation.
func says(r *claims.Rule, now situation) string {
	confidence, anomaly := holds(r.Confidence, now.confidence.known), holds(r.Anomaly, now.anomaly.known)
	switch {
	case confidence == no || anomaly == no:
		return ""
	case confidence == yes && anomaly == yes:
		return r.Verdict
	case r.Verdict == "auto-execute":
		return ""
	}
	return "escalate"
}

type truth int

const (
	no truth = iota
	unknown
	yes
)

func holds(r *claims.Range, value *float64) truth {
	switch {
	case r == nil:
		return yes
	case value == nil:
		return unknown
	case r.AtLeast != nil && *value < *r.AtLeast, r.Below != nil && *value >= *r.Below:
		return no
	}
	return yes
}

// heard is a ruling after the users' Rego spoke: it adds to those that decide, or decides alone where it is stricter.
func (s *spec) heard(declared ruling, verdict string, reviewers []string) ruling {
	rules := reviewers
	if severity(verdict) <= severity(declared.verdict) {
		verdict = declared.verdict
		rules = slices.Concat(declared.rules, reviewers)
	}
	r := s.ruling(verdict, rules)
	r.risk = declared.risk
	return r
}

// reviewersOf are the rules among others that the users wrote in Rego.
func reviewersOf(rules []string) []string {
	var all []string
	for _, rule := range rules {
		if strings.HasPrefix(rule, "reviewers.") {
			all = append(all, rule)
		}
	}
	return all
}
