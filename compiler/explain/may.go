package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// May prints whether a caller may ask a callee for a skill, by which lines, and with which verdicts; in every environment.
// It answers false where the call is refused in all of them.
func May(w io.Writer, fleet *model.Fleet, caller, target string) (bool, error) {
	callee, skill, ok := strings.Cut(target, "/")
	if !ok {
		return false, fmt.Errorf("%q names no skill; write it as agent/skill", target)
	}
	allowed := false
	for _, env := range fleet.Environments {
		if err := known(env, caller, callee, skill); err != nil {
			return false, err
		}
		fmt.Fprintf(w, "%s: ", env.Name)
		if edge, grant := granted(env, caller, callee, skill); grant != nil {
			allowed = true
			printGrant(w, env, edge, grant)
		} else {
			printRefusal(w, fleet, caller, callee, skill)
		}
	}
	return allowed, nil
}

func known(env *model.Environment, caller, callee, skill string) error {
	names := []string{env.System.Name}
	for _, c := range env.From.Doc.Platform.Spec.Clients {
		names = append(names, c.Name)
	}
	for _, a := range env.Agents {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	for _, name := range []string{caller, callee} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("no agent %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	a := env.Agent(callee)
	if a == nil {
		return fmt.Errorf("%s offers no skills; it is the runtime", callee)
	}
	if a.Skill(skill) != nil {
		return nil
	}
	var ids []string
	for _, s := range a.Skills {
		ids = append(ids, s.ID)
	}
	return fmt.Errorf("%s has no skill %q; it has %s", callee, skill, strings.Join(ids, ", "))
}

func granted(env *model.Environment, caller, callee, skill string) (*model.Edge, *model.Grant) {
	for _, edge := range env.Agent(callee).Callers {
		for _, g := range edge.Grants {
			if edge.Caller.Name == caller && g.Skill.ID == skill {
				return edge, g
			}
		}
	}
	return nil, nil
}

func printGrant(w io.Writer, env *model.Environment, edge *model.Edge, g *model.Grant) {
	fmt.Fprintf(w, "%s may ask %s for %s (risk %s)\n", edge.Caller.Name, edge.Callee.Name, g.Skill.ID, g.Skill.Risk)
	fmt.Fprintf(w, "  requested  %s\n  accepted   %s\n", edge.Requested.Position(), edge.Accepted.Position())
	for _, r := range g.Rules {
		fmt.Fprintf(w, "  %-12s  %s  %s: %s (%s)\n", r.Verdict, condition(r.When), r.ID, r.Reason, r.From.Position())
	}
	for _, rego := range env.Policy.Rego {
		fmt.Fprintf(w, "  may reject or escalate as well: %s\n", rego.File)
	}
	fmt.Fprintln(w, "  escalate      where no rule holds")
}

// condition writes a rule's circumstances as a person would: `0.8 <= confidence < 1`.
func condition(when schema.When) string {
	var parts []string
	for _, c := range []struct {
		name string
		r    *schema.Range
	}{{"confidence", when.Confidence}, {"anomaly", when.Anomaly}} {
		if c.r == nil {
			continue
		}
		text := c.name
		if c.r.AtLeast != nil {
			text = fmt.Sprintf("%g <= %s", *c.r.AtLeast, text)
		}
		if c.r.Below != nil {
			text = fmt.Sprintf("%s < %g", text, *c.r.Below)
		}
		parts = append(parts, text)
	}
	if parts == nil {
		return "always"
	}
	return "if " + strings.Join(parts, " and ")
}

func printRefusal(w io.Writer, fleet *model.Fleet, caller, callee, skill string) {
	fmt.Fprintf(w, "%s may not ask %s for %s: auto-reject\n", caller, callee, skill)
	fmt.Fprintf(w, "  requested  %s\n", half(fleet, caller, func(spec *schema.AgentSpec) (string, bool) {
		for i, r := range spec.Requests {
			if r.To == callee && names(r.Skills, skill) {
				return fmt.Sprintf("spec.requests[%d]", i), true
			}
		}
		return "spec.requests", false
	}))
	fmt.Fprintf(w, "  accepted   %s\n", half(fleet, callee, func(spec *schema.AgentSpec) (string, bool) {
		for i, a := range spec.Accepts {
			if a.From == caller && names(a.Skills, skill) {
				return fmt.Sprintf("spec.accepts[%d]", i), true
			}
		}
		return "spec.accepts", false
	}))
}

func names(skills []string, skill string) bool {
	return slices.Contains(skills, skill) || slices.Contains(skills, "*")
}

// half says where one side of an edge stands, or where it would have to stand.
func half(fleet *model.Fleet, agent string, look func(*schema.AgentSpec) (string, bool)) string {
	for _, doc := range fleet.Written.Agents {
		if doc.Agent.Metadata.Name != agent {
			continue
		}
		path, found := look(&doc.Agent.Spec)
		at := doc.At(path)
		if found {
			return at.String()
		}
		return fmt.Sprintf("no; it would stand at %s of %s", path, at.File)
	}
	return "no; the platform speaks for callers outside the fleet, in its intake and clients"
}
