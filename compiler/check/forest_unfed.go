package check

import (
	"agentc/compiler/model"
	"agentc/forest/events"
)

// forestUnfed refuses a forest before an agent to which nothing comes that it could score: one for events where no intake hands the agent any, and
// one for calls where what comes are events.
func forestUnfed(p *pass) {
	for _, doc := range p.Written.Agents {
		m := p.forest(doc)
		if m == nil {
			continue
		}
		file, agent := doc.Agent.Spec.Forest, doc.Agent.Metadata.Name
		for _, env := range p.Environments {
			intakes := feeds(env, agent)
			switch calls := m.Spec.Source == events.SourceCalls; {
			case calls && len(intakes) > 0:
				p.reportIn(env, in(doc, "spec.forest"), "%s is for calls between agents, and %q gets events of Falco by intake %s; train one on source %s", file, agent, and(intakes), events.SourceFalco)
			case !calls && len(intakes) == 0:
				p.reportIn(env, in(doc, "spec.forest"), "%s is for events of source %s, and no intake hands %q any; name the agent in spec.intake of the platform", file, m.Spec.Source, agent)
			}
		}
	}
}

// feeds are the names of the intakes that hand events to an agent.
func feeds(env *model.Environment, agent string) []string {
	var names []string
	for _, x := range env.Intakes {
		if x.To.Name == agent {
			names = append(names, x.Name)
		}
	}
	return names
}
