package check

import "agentc/compiler/model"

const maxHost = 253

// nameLength refuses names to which Kubernetes could not append what it appends: a Deployment's pods carry 17 characters
// more than the Deployment, within 63.
func nameLength(p *pass) {
	for _, doc := range p.Written.Agents {
		if name := doc.Agent.Metadata.Name; len(name) > model.MaxAgentName {
			p.report(in(doc, "metadata.name"), "agent name %q has %d characters; at most %d leave room for what Kubernetes appends",
				name, len(name), model.MaxAgentName)
		}
	}
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if len(a.Host) > maxHost {
				p.report(at(env.From, "clusterDomain"), "with this domain, %s would have a host name of %d characters; DNS takes at most %d", a.Name, len(a.Host), maxHost)
			}
		}
	}
	if len(p.Name) > model.MaxFleetName {
		p.report(in(p.platform(), "spec.fleet"), "fleet name %q has %d characters; at most %d leave room for the agent in a namespace's name",
			p.Name, len(p.Name), model.MaxFleetName)
	}
}
