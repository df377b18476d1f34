package check

import (
	"slices"

	"agentc/compiler/model"
)

// forestAgreed refuses a model to which the reviewers did not agree, by its digest. The model is the AI team's file and what is said here the
// reviewers', so that no model gets into a bundle without both.
func forestAgreed(p *pass) {
	for _, env := range p.Environments {
		if env.Policy.Anomaly == nil {
			continue
		}
		for _, f := range env.Policy.Anomaly.Forests {
			if digest := "sha256:" + f.Model.SHA256; f.Model.Data != nil && digest != f.Agreed {
				p.reportIn(env, at(f.From, "digest"), "%s has the digest %s; agree to it here, or keep the file to which you agreed", f.Model.Path, digest)
			}
		}
		for _, a := range env.Agents {
			file := p.forestOf(a.Doc)
			agreed := slices.ContainsFunc(env.Policy.Anomaly.Forests, func(f *model.Forest) bool { return f.Agent == a })
			if file.Data != nil && !agreed {
				p.reportIn(env, in(a.Doc, "spec.forest"), "no reviewer policy agrees to this forest; have the owners of %s add {agent: %s, digest: sha256:%s} to spec.anomaly.forests",
					env.Policy.Anomaly.From.Doc.File, a.Name, file.SHA256)
			}
		}
	}
	p.idleForests()
}

// idleForests are those of which nobody says from when on an event is unusual, and what was agreed to without being there.
func (p *pass) idleForests() {
	if !slices.ContainsFunc(p.Environments, func(env *model.Environment) bool { return env.Policy.Anomaly != nil }) {
		for _, doc := range p.Written.Agents {
			if doc.Agent.Spec.Forest != "" {
				p.report(in(doc, "spec.forest"), "no reviewer policy has thresholds for this forest; set spec.anomaly in one")
			}
		}
	}
	agents := p.agents()
	for _, doc := range p.Written.Policies {
		if doc.Policy.Spec.Anomaly == nil {
			continue
		}
		for i, f := range doc.Policy.Spec.Anomaly.Forests {
			if agent := agents[f.Agent]; agent != nil && agent.Agent.Spec.Forest == "" {
				p.report(in(doc, "spec.anomaly.forests[%d].agent", i), "agent %q has no forest; set spec.forest in %s, or leave this out", f.Agent, agent.File)
			}
		}
	}
}
