package check

import (
	"slices"

	"agentc/schema"
)

// riskBelowFloor refuses a skill whose team claims less risk than the reviewers allow to be claimed.
func riskBelowFloor(p *pass) {
	for _, env := range p.Environments {
		for _, floor := range env.Policy.Floors {
			for _, a := range env.Agents {
				for _, s := range a.Skills {
					if floor.Covers(a.Name, s) && rank(s.Risk) < rank(floor.Risk) {
						p.report(at(s.From, "risk"), "%s claims %s risk for %s; reviewers allow %s or above (%s)",
							a.Name, s.Risk, s.ID, floor.Risk, floor.From.Position())
					}
				}
			}
		}
	}
}

// rank of a risk, from the lowest.
func rank(risk string) int { return slices.Index(schema.Risks, risk) }
