package check

import (
	"slices"

	"agentc/schema"
)

// unknownTeam refuses a team that the platform does not list: nobody would own the file, or a person would belong to nobody.
func unknownTeam(p *pass) {
	known := p.TeamNames()
	if len(known) == 0 {
		return // the reader speaks of it
	}
	look := func(ref schema.Ref, name string) {
		if name != "" && !slices.Contains(known, name) {
			p.unknown(ref, "team", name, known)
		}
	}
	for _, doc := range p.Written.Agents {
		look(in(doc, "spec.team"), doc.Agent.Spec.Team)
	}
	for _, doc := range p.Written.Policies {
		look(in(doc, "spec.team"), doc.Policy.Spec.Team)
		if e := doc.Policy.Spec.Escalation; e != nil {
			for i, person := range e.People {
				look(in(doc, "spec.escalation.people[%d].team", i), person.Team)
			}
		}
	}
	for _, doc := range p.Written.Features {
		look(in(doc, "spec.team"), doc.Features.Spec.Team)
	}
}
