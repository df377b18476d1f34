package model

import (
	"cmp"
	"slices"
	"strings"

	"agentc/schema"
)

// layer is one place that may set a workload value.
type layer struct {
	doc    *schema.Document
	prefix string // path of the workload in doc
	name   string // for people: "environment prod", "platform"
}

func resolveAgents(env *Environment, platform *schema.Document, envIndex int) []*Agent {
	var all []*Agent
	for _, doc := range env.Fleet.Written.Agents {
		all = append(all, resolveAgent(env, platform, envIndex, doc))
	}
	return unique(all, (*Agent).key)
}

func resolveAgent(env *Environment, platform *schema.Document, envIndex int, doc *schema.Document) *Agent {
	w := &doc.Agent.Spec
	over := w.Environments[env.Name]
	a := &Agent{
		Env:         env,
		Team:        team(env.Fleet, w.Team),
		Description: w.Description,
		Entry:       w.Entry,
		Shared:      w.Isolation == "team",
		Image:       cmp.Or(over.Image, w.Image),
		Artifacts:   artifacts(env.Fleet.Written, doc),
		Card:        card(w.Card),
		Skills:      skills(doc),
		Doc:         doc,
		envPath:     "spec.environments." + env.Name,
	}
	owner := doc.Agent.Metadata.Name
	if a.Shared {
		owner = w.Team
	}
	a.Identity = env.identity(doc.Agent.Metadata.Name, Join(env.Fleet.Name, owner))
	a.layers = []layer{
		{doc, a.envPath + ".workload", "environment " + env.Name},
		{doc, "spec.workload", ""},
		{platform, env.From.Path + ".defaults", "environment " + env.Name},
		{platform, "spec.defaults", "platform"},
	}
	p := &platform.Platform.Spec
	a.written = merge(over.Workload, w.Workload, p.Environments[envIndex].Defaults, p.Defaults, builtin)
	a.Workload = workload(&a.written)
	a.Uses = uses(env, doc)
	return a
}

func team(fleet *Fleet, name string) schema.Team {
	for _, t := range fleet.Teams {
		if t.Name == name {
			return t
		}
	}
	return schema.Team{Name: name}
}

func card(w schema.Card) schema.Card {
	if len(w.InputModes) == 0 {
		w.InputModes = []string{"application/json"}
	}
	if len(w.OutputModes) == 0 {
		w.OutputModes = []string{"application/json"}
	}
	return w
}

func artifacts(src *schema.Source, doc *schema.Document) []Artifact {
	var all []Artifact
	for name, path := range doc.Agent.Spec.Artifacts {
		all = append(all, Artifact{Name: name, Path: path, SHA256: src.Artifact(doc, path).SHA256})
	}
	return sorted(all, func(a Artifact) string { return a.Name })
}

func skills(doc *schema.Document) []*Skill {
	var all []*Skill
	for i, w := range doc.Agent.Spec.Card.Skills {
		tags := slices.Clone(w.Tags)
		slices.Sort(tags)
		all = append(all, &Skill{ID: w.ID, Name: w.Name, Risk: w.Risk, Tags: tags, Written: w,
			From: schema.Ref{Doc: doc, Path: index("spec.card.skills", i)}})
	}
	return unique(all, func(s *Skill) string { return s.ID })
}

func uses(env *Environment, doc *schema.Document) []*Use {
	var all []*Use
	for i, w := range doc.Agent.Spec.Endpoints {
		e := env.Endpoint(w.Name)
		if e == nil {
			continue
		}
		use := &Use{Endpoint: e, From: schema.Ref{Doc: doc, Path: index("spec.endpoints", i)}}
		for _, t := range e.Tools {
			if slices.Contains(w.Tools, t.Name) {
				use.Tools = append(use.Tools, t)
			}
		}
		all = append(all, use)
	}
	return unique(all, func(u *Use) string { return u.Endpoint.Name })
}

// Source is where one of an agent's values comes from.
type Source struct {
	schema.Ref
	Layer string // "" for the agent itself, else what to call it: "environment prod", "platform", "default"
}

// At leads to the nearest place that sets a value of the agent: `image`, `workload.replicas.min`, `card.version`. For a
// built-in default that is the agent's document.
func (a *Agent) At(path string) schema.Ref { return a.Source(path).Ref }

// Source is At with the name of the layer.
func (a *Agent) Source(path string) Source {
	rest, isWorkload := strings.CutPrefix(path, "workload.")
	for _, l := range a.layers {
		at := l.prefix + "." + rest
		if isWorkload && l.doc.Has(at) {
			return Source{schema.Ref{Doc: l.doc, Path: at}, l.name}
		}
	}
	if at := a.envPath + "." + path; a.Doc.Has(at) {
		return Source{schema.Ref{Doc: a.Doc, Path: at}, "environment " + a.Env.Name}
	}
	if at := "spec." + path; a.Doc.Has(at) {
		return Source{schema.Ref{Doc: a.Doc, Path: at}, ""}
	}
	return Source{schema.Ref{Doc: a.Doc}, "default"}
}

// Spec is the agent's spec with every value set, for `agentc explain`.
func (a *Agent) Spec() schema.AgentSpec {
	spec := a.Doc.Agent.Spec
	spec.Isolation = cmp.Or(spec.Isolation, "agent")
	spec.Image = a.Image
	spec.Card = a.Card
	spec.Workload = a.written
	spec.Environments = nil
	return spec
}
