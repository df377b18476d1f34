package check

import "agentc/schema"

// sharedTrustDomain refuses two environments with one trust domain: a certificate of dev would be worth something in prod.
func sharedTrustDomain(p *pass) {
	seen := map[string]schema.Ref{}
	for _, env := range p.Environments {
		here := at(env.From, "trustDomain")
		if first, ok := seen[env.TrustDomain]; ok {
			p.report(here, "trust domain %q is another environment's already (%s)", env.TrustDomain, first.Position())
			continue
		}
		seen[env.TrustDomain] = here
	}
}
