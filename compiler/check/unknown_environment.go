package check

import "slices"

// unknownEnvironment refuses an overlay or a policy for an environment that does not exist: it would silently never hold.
func unknownEnvironment(p *pass) {
	known := p.environmentNames()
	for _, doc := range p.Written.Agents {
		for name := range doc.Agent.Spec.Environments {
			if !slices.Contains(known, name) {
				p.unknown(in(doc, "spec.environments.%s", name), "environment", name, known)
			}
		}
	}
	for _, doc := range p.Written.Policies {
		for i, name := range doc.Policy.Spec.Environments {
			if !slices.Contains(known, name) {
				p.unknown(in(doc, "spec.environments[%d]", i), "environment", name, known)
			}
		}
	}
}
