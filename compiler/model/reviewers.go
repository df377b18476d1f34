package model

import (
	"cmp"
	"slices"
	"time"

	"agentc/schema"
)

// resolvePolicy joins the reviewer policies that hold in an environment.
func resolvePolicy(env *Environment) *Policy {
	p := &Policy{Rego: env.Fleet.Written.Rego}
	for _, doc := range env.Fleet.Written.Policies {
		w := &doc.Policy.Spec
		if len(w.Environments) > 0 && !slices.Contains(w.Environments, env.Name) {
			continue
		}
		name := doc.Policy.Metadata.Name
		for i, f := range w.Floors {
			p.Floors = append(p.Floors, &Floor{Floor: f, Policy: name, From: schema.Ref{Doc: doc, Path: index("spec.floors", i)}})
		}
		if w.Escalation != nil && p.Escalation.Routes == nil {
			p.Escalation = resolveEscalation(env, doc)
		}
		if w.Anomaly != nil && p.Anomaly == nil {
			p.Anomaly = resolveAnomaly(env, doc)
		}
		for i, r := range w.Rules {
			p.Rules = append(p.Rules, &Rule{
				ID: name + "/" + r.ID, Team: w.Team, Reason: r.Reason, Match: r.Match, When: r.When,
				Verdict: r.Verdict, Route: r.Route, From: schema.Ref{Doc: doc, Path: index("spec.rules", i)},
			})
		}
	}
	for _, r := range p.Rules {
		if r.Verdict == "escalate" {
			r.Route = cmp.Or(r.Route, p.Escalation.Default)
		}
	}
	p.Rules = unique(p.Rules, func(r *Rule) string { return r.ID })
	return p
}

func resolveEscalation(env *Environment, doc *schema.Document) Escalation {
	w := doc.Policy.Spec.Escalation
	e := Escalation{Lifetime: cmp.Or(time.Duration(w.Lifetime), defaultLifetime), Default: w.Default}
	for i, r := range w.Routes {
		route := &Route{Name: r.Name, Endpoint: env.Endpoint(r.Endpoint), Channel: r.Channel,
			Approvers: sorted(r.Approvers, func(s string) string { return s }), Quorum: 1,
			From: schema.Ref{Doc: doc, Path: index("spec.escalation.routes", i)}}
		if r.Quorum != nil {
			route.Quorum = *r.Quorum
		}
		route.Hours = hours(r.Hours)
		if route.Endpoint != nil {
			e.Routes = append(e.Routes, route)
		}
	}
	e.Routes = unique(e.Routes, func(r *Route) string { return r.Name })
	for i, p := range w.People {
		p.Groups = slices.Compact(sorted(p.Groups, func(s string) string { return s }))
		e.People = append(e.People, &Person{Person: p, From: schema.Ref{Doc: doc, Path: index("spec.escalation.people", i)}})
	}
	e.People = unique(e.People, func(p *Person) string { return p.Name })
	return e
}

// hours are nil where an end is missing: the reader speaks of that.
func hours(w *schema.Hours) *Hours {
	if w == nil || w.From == nil || w.Until == nil {
		return nil
	}
	h := &Hours{From: *w.From, Until: *w.Until, Otherwise: w.Otherwise}
	for _, day := range schema.Weekdays {
		if slices.Contains(w.Days, day) {
			h.Days = append(h.Days, day)
		}
	}
	return h
}

// grantRules gives every grant the rules that can apply to it, by what is known before run time.
func grantRules(env *Environment) {
	for _, a := range env.Agents {
		for _, edge := range a.Callers {
			for _, g := range edge.Grants {
				for _, r := range env.Policy.Rules {
					if r.Matches(edge.Caller.Name, a.Name, g.Skill) {
						g.Rules = append(g.Rules, r)
					}
				}
			}
		}
	}
}

// Matches says whether the rule can apply when the caller asks the callee for the skill.
func (r *Rule) Matches(caller, callee string, s *Skill) bool {
	m := &r.Match
	return oneOf(m.Skills, callee+"/"+s.ID) && oneOf(m.Risks, s.Risk) && oneOf(m.Callers, caller) && anyOf(m.Tags, s.Tags)
}

// Covers says whether the floor names the skill.
func (f *Floor) Covers(callee string, s *Skill) bool {
	return oneOf(f.Skills, callee+"/"+s.ID) && anyOf(f.Tags, s.Tags)
}

// oneOf says whether a field of a match admits a value; an empty field admits all.
func oneOf(field []string, value string) bool {
	return len(field) == 0 || slices.Contains(field, value)
}

func anyOf(field, values []string) bool {
	return len(field) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(field, v) })
}
