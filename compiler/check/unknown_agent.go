package check

import "slices"

// unknownAgent refuses a name that no agent has.
func unknownAgent(p *pass) {
	names := p.agentNames()
	for _, r := range p.skillRefs() {
		if r.skill == "" && r.agent != "" && !slices.Contains(names, r.agent) {
			p.unknown(r.at, "agent", r.agent, names)
		}
	}
}
