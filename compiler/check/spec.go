package check

import (
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// skillRef is one place of the spec that speaks of an agent's skill.
type skillRef struct {
	at           schema.Ref
	agent, skill string // skill is `*` for all, empty where only the agent is meant
	caller       bool   // the agent is meant as a caller, who may be an outsider: agentd, or a client of the platform
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

// client finds a client of the platform by name; nil if there is none.
func (p *pass) client(name string) *schema.Client {
	clients := p.platform().Platform.Spec.Clients
	for i := range clients {
		if clients[i].Name == name {
			return &clients[i]
		}
	}
	return nil
}

// callerNames lists whom an agent can accept.
func (p *pass) callerNames() []string {
	names := append(p.agentNames(), runtimeName)
	for _, c := range p.platform().Platform.Spec.Clients {
		names = append(names, c.Name)
	}
	return names
}

// policiesIn lists the policies that hold in an environment.
func (p *pass) policiesIn(env *model.Environment) []*schema.Document {
	var docs []*schema.Document
	for _, doc := range p.Written.Policies {
		if w := doc.Policy.Spec.Environments; len(w) == 0 || slices.Contains(w, env.Name) {
			docs = append(docs, doc)
		}
	}
	return docs
}

func setOf(words []string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
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

// offers says whether an agent has a skill. Where it has not, unknown-skill speaks of it.
func offers(doc *schema.Document, skill string) bool {
	return skill == "*" || skill != "" && slices.Contains(skillIDs(doc), skill)
}

func skillIDs(doc *schema.Document) []string {
	var ids []string
	for _, s := range doc.Agent.Spec.Card.Skills {
		ids = append(ids, s.ID)
	}
	return ids
}

// request is one skill that somebody asks for: the caller's half of an edge.
type request struct {
	at                    schema.Ref
	caller, callee, skill string
}

// requests lists what agents, clients and the intake ask for.
func (p *pass) requests() []request {
	var all []request
	ask := func(doc *schema.Document, path, caller string, written []schema.Request) {
		for i, r := range written {
			for j, s := range r.Skills {
				all = append(all, request{in(doc, "%s[%d].skills[%d]", path, i, j), caller, r.To, s})
			}
		}
	}
	for _, doc := range p.Written.Agents {
		ask(doc, "spec.requests", doc.Agent.Metadata.Name, doc.Agent.Spec.Requests)
	}
	doc := p.platform()
	for i, c := range doc.Platform.Spec.Clients {
		ask(doc, fmt.Sprintf("spec.clients[%d].requests", i), c.Name, c.Requests)
	}
	for i, x := range doc.Platform.Spec.Intake {
		all = append(all, request{in(doc, "spec.intake[%d].skill", i), runtimeName, x.To, x.Skill})
	}
	return all
}

// skillRefs lists every place that names an agent, with the skill where it names one.
func (p *pass) skillRefs() []skillRef {
	var refs []skillRef
	for _, r := range p.requests() {
		refs = append(refs, skillRef{at: r.at, agent: r.callee, skill: r.skill})
	}
	for _, doc := range p.Written.Agents {
		for i, r := range doc.Agent.Spec.Requests {
			refs = append(refs, skillRef{at: in(doc, "spec.requests[%d].to", i), agent: r.To})
		}
		for i, a := range doc.Agent.Spec.Accepts {
			refs = append(refs, skillRef{at: in(doc, "spec.accepts[%d].from", i), agent: a.From, caller: true})
			for j, s := range a.Skills {
				refs = append(refs, skillRef{at: in(doc, "spec.accepts[%d].skills[%d]", i, j), agent: doc.Agent.Metadata.Name, skill: s})
			}
		}
	}
	doc := p.platform()
	for i, c := range doc.Platform.Spec.Clients {
		for j, r := range c.Requests {
			refs = append(refs, skillRef{at: in(doc, "spec.clients[%d].requests[%d].to", i, j), agent: r.To})
		}
	}
	for i, x := range doc.Platform.Spec.Intake {
		refs = append(refs, skillRef{at: in(doc, "spec.intake[%d].to", i), agent: x.To})
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
		refs = append(refs, skillRef{at: at, agent: agent}, skillRef{at: at, agent: agent, skill: skill})
	}
	for i, r := range doc.Policy.Spec.Rules {
		for j, c := range r.Match.Callers {
			refs = append(refs, skillRef{at: in(doc, "spec.rules[%d].match.callers[%d]", i, j), agent: c, caller: true})
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
	if a := doc.Policy.Spec.Anomaly; a != nil {
		for i, c := range a.Classes {
			refs = append(refs, skillRef{at: in(doc, "spec.anomaly.classes[%d].agent", i), agent: c.Agent})
		}
		for i, o := range a.Overrides {
			refs = append(refs, skillRef{at: in(doc, "spec.anomaly.overrides[%d].agent", i), agent: o.Agent})
		}
		for i, f := range a.Forests {
			refs = append(refs, skillRef{at: in(doc, "spec.anomaly.forests[%d].agent", i), agent: f.Agent})
		}
	}
	return refs
}

// runtimeName is agentd's name where a spec names a caller.
const runtimeName = "agentd"

// name of an agent, as written.
func name(doc *schema.Document) string { return doc.Agent.Metadata.Name }
