package check

import "slices"

// unknownSkill refuses a skill that its agent does not offer.
func unknownSkill(p *pass) {
	agents := p.agents()
	for _, r := range p.skillRefs() {
		doc := agents[r.agent]
		if doc == nil || r.skill == "" || r.skill == "*" {
			continue
		}
		if ids := skillIDs(doc); !slices.Contains(ids, r.skill) {
			p.unknown(r.at, "skill of "+r.agent, r.skill, ids)
		}
	}
}
