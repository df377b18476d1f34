package model

import (
	"cmp"
	"slices"

	"agentc/schema"
)

// half is one side's word on who may call what.
type half struct {
	skills map[string]bool
	all    bool
	from   schema.Ref
}

// allows says whether a side named the skill, by its id or by `*`.
func (h *half) allows(skill string) bool { return h.all || h.skills[skill] }

// resolveEdges gives every agent its callers and calls: those on which both sides agree, and no others.
func resolveEdges(env *Environment) {
	requests := requested(env)
	for _, callee := range env.Agents {
		for from, accepted := range acceptedBy(callee) {
			if r := requests[[2]string{from, callee.Name}]; r != nil && from != callee.Name {
				connect(env, from, callee, r, accepted)
			}
		}
		slices.SortFunc(callee.Callers, func(a, b *Edge) int { return cmp.Compare(a.Caller.Name, b.Caller.Name) })
	}
	for _, a := range env.Agents {
		slices.SortFunc(a.Calls, func(x, y *Edge) int { return cmp.Compare(x.Callee.Name, y.Callee.Name) })
	}
}

func connect(env *Environment, from string, callee *Agent, requested, accepted *half) {
	edge := &Edge{
		Caller: outsider(env, from), CallerAgent: env.Agent(from), Callee: callee,
		AllSkills: requested.all && accepted.all,
		Requested: requested.from, Accepted: accepted.from,
	}
	for _, s := range callee.Skills {
		if requested.allows(s.ID) && accepted.allows(s.ID) {
			edge.Grants = append(edge.Grants, &Grant{Skill: s})
		}
	}
	if len(edge.Grants) == 0 {
		return
	}
	if edge.CallerAgent != nil {
		edge.Caller = edge.CallerAgent.Identity
		edge.CallerAgent.Calls = append(edge.CallerAgent.Calls, edge)
	}
	callee.Callers = append(callee.Callers, edge)
}

// outsider is the identity of a caller that is no agent: a client of the platform, or agentd.
func outsider(env *Environment, name string) Identity {
	for _, c := range env.From.Doc.Platform.Spec.Clients {
		if c.Name == name {
			id := env.identity(c.ServiceAccount, c.Namespace)
			id.Name = name
			return id
		}
	}
	return env.System
}

// requested collects what callers ask for, by caller and callee. The intake asks in agentd's name.
func requested(env *Environment) map[[2]string]*half {
	all := map[[2]string]*half{}
	for _, a := range env.Agents {
		for i, w := range a.Doc.Agent.Spec.Requests {
			add(all, [2]string{a.Name, w.To}, w.Skills, schema.Ref{Doc: a.Doc, Path: index("spec.requests", i)})
		}
	}
	platform := env.From.Doc
	for i, c := range platform.Platform.Spec.Clients {
		for j, w := range c.Requests {
			add(all, [2]string{c.Name, w.To}, w.Skills,
				schema.Ref{Doc: platform, Path: index(index("spec.clients", i)+".requests", j)})
		}
	}
	for i, w := range platform.Platform.Spec.Intake {
		add(all, [2]string{env.System.Name, w.To}, []string{w.Skill}, schema.Ref{Doc: platform, Path: index("spec.intake", i)})
	}
	return all
}

// acceptedBy collects what one agent offers, by caller.
func acceptedBy(a *Agent) map[string]*half {
	all := map[string]*half{}
	for i, w := range a.Doc.Agent.Spec.Accepts {
		add(all, w.From, w.Skills, schema.Ref{Doc: a.Doc, Path: index("spec.accepts", i)})
	}
	return all
}

func add[K comparable](all map[K]*half, key K, skills []string, from schema.Ref) {
	h := all[key]
	if h == nil {
		h = &half{skills: map[string]bool{}, from: from}
		all[key] = h
	}
	for _, s := range skills {
		if s == "*" {
			h.all = true
			continue
		}
		h.skills[s] = true
	}
}
