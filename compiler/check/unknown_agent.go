package check

// unknownAgent refuses a name that no agent has. A caller may also be agentd, or a client of the platform.
func unknownAgent(p *pass) {
	agents, callers := p.agentNames(), p.callerNames()
	isAgent, isCaller := setOf(agents), setOf(callers)
	for _, r := range p.skillRefs() {
		switch {
		case r.skill != "":
		case r.caller && !isCaller[r.agent]:
			p.unknown(r.at, "agent", r.agent, callers)
		case !r.caller && !isAgent[r.agent]:
			p.unknown(r.at, "agent", r.agent, agents)
		}
	}
}
