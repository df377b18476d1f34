package check

// sharedNamespace warns of agents that share a namespace: each can then be given the other's key.
func sharedNamespace(p *pass) {
	for _, doc := range p.Written.Agents {
		if doc.Agent.Spec.Isolation == "team" {
			p.report(in(doc, "spec.isolation"), "%s shares a namespace with its team: whoever can create pods there can read every agent's key",
				doc.Agent.Metadata.Name)
		}
	}
}
