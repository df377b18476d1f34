package check

import "agentc/forest/events"

// forestUnfed refuses a forest for events before an agent to which no intake hands any: nothing would ever be scored.
func forestUnfed(p *pass) {
	for _, doc := range p.Written.Agents {
		m := p.forest(doc)
		if m == nil || m.Spec.Source == events.SourceCalls {
			continue
		}
		for _, env := range p.Environments {
			if len(feeds(env, doc.Agent.Metadata.Name)) == 0 {
				p.reportIn(env, in(doc, "spec.forest"), "%s is for events of source %s, and no intake hands %q any; name the agent in spec.intake of the platform", doc.Agent.Spec.Forest, m.Spec.Source, doc.Agent.Metadata.Name)
			}
		}
	}
}
