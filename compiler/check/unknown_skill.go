package check

import "slices"

// unknownSkill refuses a skill that its agent does not offer.
func unknownSkill(p *pass) {
	agents := p.agents()
	for _, r := range p.skillRefs() {
		doc := agents[r.agent]
		if doc == nil || r.agent == "" || r.skill == "" || r.skill == "*" {
			continue
		}
		// Every agent has skills: where there are none, the reader speaks of it.
		if ids := skillIDs(doc); len(ids) > 0 && !slices.Contains(ids, r.skill) {
			p.unknown(r.at, "skill of "+r.agent, r.skill, ids)
		}
	}
}
