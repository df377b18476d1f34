package check

import "agentc/schema"

// teamOwns refuses an agent of a team that owns no agents, and a policy or Features of one that owns no policies: the reviewers of one
// side would decide on the other's, and CODEOWNERS would say that it is theirs to.
func teamOwns(p *pass) {
	owns := map[string]string{}
	for _, t := range p.Teams {
		owns[t.Name] = t.Owns
	}
	look := func(doc *schema.Document, what, team, want string) {
		if have := owns[team]; have != "" && have != want {
			p.report(in(doc, "spec.team"), "team %s owns %s; %s belongs to a team that owns %s", team, have, what, want)
		}
	}
	for _, doc := range p.Written.Agents {
		look(doc, "an agent", doc.Agent.Spec.Team, "agents")
	}
	for _, doc := range p.Written.Policies {
		look(doc, "a reviewer policy", doc.Policy.Spec.Team, "policies")
	}
	for _, doc := range p.Written.Features {
		look(doc, "a Features document", doc.Features.Spec.Team, "policies")
	}
}
