package check

import (
	"strings"

	"agentc/schema"
)

// skillRef is one place of the spec that speaks of an agent's skill.
type skillRef struct {
	at           schema.Ref
	agent, skill string // skill is `*` for all, empty where only the agent is meant
}

// platform is the one document of its kind.
func (p *pass) platform() *schema.Document { return p.Written.Platforms[0] }

// agentNames lists the agents that are written.
func (p *pass) agentNames() []string {
	var names []string
	for _, doc := range p.Written.Agents {
		names = append(names, doc.Agent.Metadata.Name)
	}
	return names
}

// agents finds agents by name.
func (p *pass) agents() map[string]*schema.Document {
	byName := map[string]*schema.Document{}
	for _, doc := range p.Written.Agents {
		byName[doc.Agent.Metadata.Name] = doc
	}
	return byName
}

func (p *pass) environmentNames() []string {
	var names []string
	for _, e := range p.platform().Platform.Spec.Environments {
		names = append(names, e.Name)
	}
	return names
}

func (p *pass) endpointNames() []string {
	var names []string
	for _, e := range p.platform().Platform.Spec.Endpoints {
		names = append(names, e.Name)
	}
	return names
}

func skillIDs(doc *schema.Document) []string {
	var ids []string
	for _, s := range doc.Agent.Spec.Card.Skills {
		ids = append(ids, s.ID)
	}
	return ids
}

// skillRefs lists every place that names an agent, with the skill where it names one.
func (p *pass) skillRefs() []skillRef {
	var refs []skillRef
	for _, doc := range p.Written.Agents {
		spec := &doc.Agent.Spec
		for i, r := range spec.Requests {
			refs = append(refs, skillRef{in(doc, "spec.requests[%d].to", i), r.To, ""})
			for j, s := range r.Skills {
				refs = append(refs, skillRef{in(doc, "spec.requests[%d].skills[%d]", i, j), r.To, s})
			}
		}
		for i, a := range spec.Accepts {
			if a.From != runtimeName {
				refs = append(refs, skillRef{in(doc, "spec.accepts[%d].from", i), a.From, ""})
			}
			for j, s := range a.Skills {
				refs = append(refs, skillRef{in(doc, "spec.accepts[%d].skills[%d]", i, j), doc.Agent.Metadata.Name, s})
			}
		}
	}
	for i, x := range p.platform().Platform.Spec.Intake {
		refs = append(refs, skillRef{in(p.platform(), "spec.intake[%d].to", i), x.To, ""},
			skillRef{in(p.platform(), "spec.intake[%d].skill", i), x.To, x.Skill})
	}
	for _, doc := range p.Written.Policies {
		refs = append(refs, policyRefs(doc)...)
	}
	return refs
}

func policyRefs(doc *schema.Document) []skillRef {
	var refs []skillRef
	named := func(at schema.Ref, word string) {
		agent, skill, _ := strings.Cut(word, "/")
		refs = append(refs, skillRef{at, agent, ""}, skillRef{at, agent, skill})
	}
	for i, r := range doc.Policy.Spec.Rules {
		for j, c := range r.Match.Callers {
			if c != runtimeName {
				refs = append(refs, skillRef{in(doc, "spec.rules[%d].match.callers[%d]", i, j), c, ""})
			}
		}
		for j, s := range r.Match.Skills {
			named(in(doc, "spec.rules[%d].match.skills[%d]", i, j), s)
		}
	}
	for i, f := range doc.Policy.Spec.Floors {
		for j, s := range f.Skills {
			named(in(doc, "spec.floors[%d].skills[%d]", i, j), s)
		}
	}
	return refs
}

// runtimeName is agentd's name where a spec names a caller.
const runtimeName = "agentd"
