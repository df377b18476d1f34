package check

import "agentc/schema"

// sharedTrustDomain refuses two environments with one trust domain: a certificate of dev would be worth something in prod.
func sharedTrustDomain(p *pass) {
	doc := p.platform()
	seen := map[string]schema.Ref{}
	for i, env := range doc.Platform.Spec.Environments {
		here := in(doc, "spec.environments[%d].trustDomain", i)
		if first, ok := seen[env.TrustDomain]; ok && env.TrustDomain != "" {
			p.report(here, "trust domain %q is another environment's already (%s); give each environment its own",
				env.TrustDomain, first.Position())
			continue
		}
		seen[env.TrustDomain] = here
	}
}
