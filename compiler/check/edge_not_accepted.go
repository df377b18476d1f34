package check

import (
	"slices"

	"agentc/schema"
)

// edgeNotAccepted refuses a request that its callee does not accept: every such call would be rejected at run time.
func edgeNotAccepted(p *pass) {
	agents := p.agents()
	for _, doc := range p.Written.Agents {
		caller := doc.Agent.Metadata.Name
		for i, r := range doc.Agent.Spec.Requests {
			callee := agents[r.To]
			if callee == nil || r.To == caller {
				continue
			}
			for j, s := range r.Skills {
				if !agreed(s, acceptedFrom(callee, caller)) {
					p.report(in(doc, "spec.requests[%d].skills[%d]", i, j),
						"%s does not accept %q from %s; its team adds it to spec.accepts in %s", r.To, s, caller, callee.File)
				}
			}
		}
	}
	for i, x := range p.platform().Platform.Spec.Intake {
		if callee := agents[x.To]; callee != nil && !agreed(x.Skill, acceptedFrom(callee, runtimeName)) {
			p.report(in(p.platform(), "spec.intake[%d].skill", i),
				"%s does not accept %q from %s; its team adds it to spec.accepts in %s", x.To, x.Skill, runtimeName, callee.File)
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
