package schemas_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"agentc/verify/internal/generated"
	"agentc/verify/object"
	"agentc/verify/schemas"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const root = "../../generated"

// exceptions are the problems that are meant, all of them in the tests for Kyverno's command line, which no cluster sees. One
// that is not needed any more fails the test.
var exceptions = []struct {
	reason  string
	applies func(o *object.Object) bool
	problem *regexp.Regexp
}{
	{
		"Kyverno's command line reads its tests into its own types, where a Namespace is complete; its definition has empty metadata there",
		func(o *object.Object) bool {
			return o.GetAPIVersion() == "cli.kyverno.io/v1alpha1" && o.GetKind() == "Test"
		},
		regexp.MustCompile(`^unknown field values\.namespaces\[\d+\]\.metadata\.(annotations|labels|name)$`),
	},
	{
		"the objects that somebody else sends are metadata alone where the policies look at nothing else",
		func(o *object.Object) bool { return len(o.Object) == 3 /* apiVersion, kind, metadata */ },
		regexp.MustCompile(`^spec: Required value$|: spec or specs must be provided$`),
	},
	{
		"a rogue may come in a version that is deprecated",
		func(o *object.Object) bool { return true },
		regexp.MustCompile(`^the version .* is deprecated$`),
	},
}

func TestSchemas(t *testing.T) {
	set := allSchemas(t)
	count := map[schema.GroupVersionKind]int{}
	needed := map[string]bool{}
	for _, o := range generated.Read(t, root, "manifests", "delivery", "admission-tests") {
		count[o.GroupVersionKind()]++
		for _, problem := range set.check(o) {
			if reason := exception(o, problem); reason != "" {
				needed[reason] = true
				continue
			}
			t.Errorf("%s: %s", o, problem)
		}
	}
	for _, e := range exceptions {
		if !needed[e.reason] {
			t.Errorf("nothing is in need of this exception: %s", e.reason)
		}
	}
	t.Log(table(set, count))
}

// exception is the reason of the exception for a problem, if there is one. What Argo CD applies is never excepted.
func exception(o *object.Object, problem string) string {
	for _, e := range exceptions {
		if strings.Contains(o.File, "/admission-tests/") && e.applies(o) && e.problem.MatchString(problem) {
			return e.reason
		}
	}
	return ""
}

func table(set *all, count map[schema.GroupVersionKind]int) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nkind\tobjects\tschema\n")
	kinds := slices.SortedFunc(maps.Keys(count), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	for _, gvk := range kinds {
		fmt.Fprintf(w, "%s %s\t%d\t%s\n", gvk.GroupVersion(), gvk.Kind, count[gvk], set.source(gvk))
	}
	w.Flush()
	return text.String()
}

// TestCustomDefaults: what the API server stores of a custom kind is what Git holds, or Argo CD would see a difference for ever.
func TestCustomDefaults(t *testing.T) {
	set := allSchemas(t)
	seen := 0
	for _, o := range generated.Read(t, root, "manifests", "delivery") {
		stored, ok := set.Stored(o)
		if !ok {
			continue // Kubernetes' own: package defaults
		}
		seen++
		for _, d := range schemas.Differences(o.Object, stored) {
			t.Errorf("%s: %s", o, d)
		}
	}
	if seen == 0 {
		t.Error("no object of a custom kind")
	}
}
