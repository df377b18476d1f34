package check

import (
	"slices"

	"agentc/schema"
)

// edgeNotAccepted refuses a request that its callee does not accept: every such call would be rejected at run time.
func edgeNotAccepted(p *pass) {
	agents := p.agents()
	for _, r := range p.requests() {
		callee := agents[r.callee]
		if callee == nil || r.caller == "" || r.callee == r.caller {
			continue
		}
		if offers(callee, r.skill) && !agreed(r.skill, acceptedFrom(callee, r.caller)) {
			p.report(r.at, "%s does not accept %q from %s; its team, %s, adds it to spec.accepts in %s",
				r.callee, r.skill, r.caller, callee.Agent.Spec.Team, callee.File)
		}
	}
}

// acceptedFrom lists the skills that an agent accepts from a caller.
func acceptedFrom(callee *schema.Document, caller string) []string {
	var skills []string
	for _, a := range callee.Agent.Spec.Accepts {
		if a.From == caller {
			skills = append(skills, a.Skills...)
		}
	}
	return skills
}

// agreed says whether the other side named a skill, or all of them. A `*` is agreed to by whoever named anything: the edge
// is then what they named.
func agreed(skill string, other []string) bool {
	return slices.Contains(other, skill) || slices.Contains(other, "*") || skill == "*" && len(other) > 0
}
