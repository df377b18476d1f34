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
					if s.Risk != "" && floor.Covers(a.Name, s) && rank(s.Risk) < rank(floor.Risk) {
						p.reportIn(env, at(s.From, "risk"), "%s of %s has %s risk; reviewers allow nothing below %s (%s)",
							s.ID, a.Name, s.Risk, floor.Risk, floor.From.Position())
					}
				}
			}
		}
	}
}

// rank of a risk, from the lowest; of a risk that could not be read, below all.
func rank(risk string) int { return slices.Index(schema.Risks, risk) }
