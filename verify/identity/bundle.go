package identity

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"agentc/verify/claims"
)

const data = "agentc/data.json"

// fleet is what the bundle says of who is who.
type fleet struct {
	Environment struct{ Name, Fleet, TrustDomain string }
	Fleet       struct{ Agents map[string]agent }
}

type agent struct {
	ID, Host string
	Callers  map[string]struct{ Agent string }
	Skills   map[string]struct{ Callers map[string]any }
}

// ids are all that the bundle lets call an agent, for whatever skill.
func (a agent) ids() []string {
	ids := slices.Collect(maps.Keys(a.Callers))
	for _, s := range a.Skills {
		ids = slices.AppendSeq(ids, maps.Keys(s.Callers))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// bundle wants the decisions to be about the same names as the certificates.
func (j *judging) bundle() {
	file := j.env.Folder + "bundle/" + data
	var f fleet
	if err := json.Unmarshal(j.env.Bundle[data], &f); err != nil {
		j.Missing(file, claims.At{}, "the bundle cannot be read: %v", err)
		return
	}
	for _, c := range []struct{ what, got, want string }{
		{"environment", f.Environment.Name, j.env.Name},
		{"fleet", f.Environment.Fleet, j.env.Fleet},
		{"trust domain", f.Environment.TrustDomain, j.env.TrustDomain},
	} {
		if c.got != c.want {
			j.Missing(file, claims.At{}, "the bundle is for the %s %q, not %q", c.what, c.got, c.want)
		}
	}
	known := j.callers()
	claimed := map[string]bool{}
	for i := range j.env.Workloads {
		w := &j.env.Workloads[i]
		if w == j.agentd {
			continue
		}
		claimed[w.Name] = true
		a, is := f.Fleet.Agents[w.Name]
		switch {
		case !is:
			j.Missing(file, w.At, "the bundle does not know the agent %s", w.Name)
			continue
		case a.ID != w.SPIFFE:
			j.Missing(file, w.At, "the bundle knows %s as %s, not as %s", w.Name, a.ID, w.SPIFFE)
		case !slices.Contains(w.Names, a.Host):
			j.Missing(file, w.At, "the bundle has %s at the host %q, which its certificate does not name", w.Name, a.Host)
		}
		for _, id := range a.ids() {
			if c, is := a.Callers[id]; known[id] == "" {
				j.Missing(file, w.At, "the bundle lets %s call %s: that is nobody in the fleet and none of the platform's clients", id, w.Name)
			} else if is && c.Agent != known[id] {
				j.Missing(file, w.At, "the bundle takes %s, which calls %s, for %s and not for %s", id, w.Name, c.Agent, known[id])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Fleet.Agents)) {
		if !claimed[name] {
			j.Missing(file, claims.At{}, "the bundle knows an agent %s, whom nobody claims", name)
		}
	}
}

// callers are the ids that may call anybody at all, with the names of those who have them.
func (j *judging) callers() map[string]string {
	ids := map[string]string{}
	for _, w := range j.env.Workloads {
		ids[w.SPIFFE] = w.Name
	}
	for _, p := range j.env.Parties {
		if name, is := strings.CutPrefix(p.Name, "client "); is {
			ids[j.spiffe(p.Namespace, p.Account)] = name
		}
	}
	return ids
}
