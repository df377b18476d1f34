package engine

import (
	"fmt"
	"maps"
	"slices"
)

// locate says of each reason where it is written: of a rule its line of the spec, of a team's Rego the first rule of the set, of a skill or an edge
// that is missing, or that no rule speaks of, the agent that would have to grant it.
func (e *Engine) locate(reasons []Reason, callee string) {
	for i := range reasons {
		reasons[i].At = e.at(reasons[i].Rule, callee)
	}
}

func (e *Engine) at(rule, callee string) string {
	if r := e.Fleet.Rules[rule]; r != nil {
		return r.At
	}
	if agent := e.Fleet.Agent(callee); agent != nil && (rule == noEdge || rule == noSkill || rule == noRule) {
		return agent.At
	}
	return e.written[rule]
}

// written says where the sets of the teams begin.
func (p *policy) written() map[string]string {
	at := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(p.modules)) {
		module := p.modules[name]
		team, is := teamOf(module)
		if !is {
			continue
		}
		for _, rule := range module.Rules {
			for _, set := range []string{"reject", "escalate"} {
				id := "reviewers." + team + "." + set
				if _, there := at[id]; !there && rule.Head.Ref()[0].Value.String() == set {
					at[id] = fmt.Sprintf("%s:%d", name, rule.Location.Row)
				}
			}
		}
	}
	return at
}
