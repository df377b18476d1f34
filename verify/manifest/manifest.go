// Package manifest is the closed list of what there may be: every object that a fleet has, and every field of it.
//
// The other layers ask what the files allow. What they do not ask about could do anything: an annotation that gives a service account a role
// in a cloud, a scrape that sends a Secret along, a probe that never fails. Here each object is written down a second time, from the claims
// alone, in the templates; where another layer judges a part, the template has a hole with that layer's name. An object or a field more, or
// one less, is a disagreement.
package manifest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"
)

// Judge compares every object with the one that is expected.
func Judge(env *judge.Environment, report *judge.Report) error {
	want, err := expected(env)
	if err != nil {
		return err
	}
	seen := map[index.Key]bool{}
	for _, o := range slices.Concat(env.Manifests, env.Delivery) {
		key := index.KeyOf(o)
		e := want[key]
		if e == nil {
			report.At(o, []any{"metadata", "name"}, claims.At{}, "is there, and nothing in the spec calls for it")
			continue
		}
		if seen[key] {
			report.At(o, []any{"metadata", "name"}, e.at, "is there twice: the one that is applied last would win")
		}
		seen[key] = true
		c := comparison{report: report, object: o, spec: e.at}
		c.compare(e.node, o.Object, nil)
	}
	for _, key := range slices.SortedFunc(maps.Keys(want), compareKeys) {
		if !seen[key] {
			report.Missing(env.Folder+want[key].file, want[key].at, "there is no %s %s", key.Kind, strings.TrimPrefix(key.Namespace+"/"+key.Name, "/"))
		}
	}
	report.Count("objects compared", len(seen))
	return nil
}

func compareKeys(a, b index.Key) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Group, b.Group))
}

// comparison of one object with what is expected of it.
type comparison struct {
	report *judge.Report
	object *object.Object
	spec   claims.At
}
