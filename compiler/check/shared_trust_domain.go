package check

import (
	"strings"

	"agentc/schema"
)

// sharedTrustDomain refuses two environments with one trust domain, or one CA: a certificate of dev would be worth
// something in prod.
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
	authorities := map[string]schema.Ref{}
	for i, env := range doc.Platform.Spec.Environments {
		for j, text := range env.CA {
			text, here := strings.TrimSpace(text), in(doc, "spec.environments[%d].ca[%d]", i, j)
			if first, ok := authorities[text]; ok {
				p.report(here, "this CA is in force elsewhere already (%s): what it signs there would be believed here; give each environment its own", first.Position())
				continue
			}
			authorities[text] = here
		}
	}
}
