package verdict

import (
	"maps"
	"slices"
)

// agentKeys are the keys under which the judged data holds something of an agent. They are asked about as well: what should not be there
// shall show in an answer, and not only as a difference.
type agentKeys struct {
	callers []string // SPIFFE ids, in either of the two places
	skills  []string
	rules   map[[2]string][]string // by skill and caller
}

// keysOf reads data that may have any shape.
func keysOf(data map[string]any) map[string]agentKeys {
	all := map[string]agentKeys{}
	for name, agent := range objectAt(data, "agentc", "fleet", "agents") {
		keys := agentKeys{rules: map[[2]string][]string{}}
		callers := maps.Clone(objectAt(agent, "callers"))
		skills := objectAt(agent, "skills")
		for skill, granted := range skills {
			for caller, grant := range objectAt(granted, "callers") {
				if callers == nil {
					callers = map[string]any{}
				}
				callers[caller] = nil
				keys.rules[[2]string{skill, caller}] = textsAt(grant, "rules")
			}
		}
		keys.callers, keys.skills = sortedKeys(callers), sortedKeys(skills)
		all[name] = keys
	}
	return all
}

func objectAt(v any, path ...string) map[string]any {
	m, _ := v.(map[string]any)
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}

func textsAt(v any, key string) []string {
	list, _ := objectAt(v)[key].([]any)
	var all []string
	for _, item := range list {
		text, _ := item.(string)
		all = append(all, text)
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// merged are two lists as one, sorted.
func merged(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
