package delivery

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"agentc/verify/internal/index"
	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// wave is the annotation by which Argo CD orders what one Application applies.
const wave = "argocd.argoproj.io/sync-wave"

// wave of an object. Argo CD takes what is no number for 0.
func (j *judging) wave(o *object.Object) int {
	n, err := strconv.Atoi(o.GetAnnotations()[wave])
	if err != nil {
		return 0
	}
	return n
}

// annotations wants none by which Argo CD treats an object otherwise: as a hook, which it never prunes, without comparison, or by force.
func (j *judging) annotations(o *object.Object, known map[string]string) {
	have := o.GetAnnotations()
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !strings.Contains(name, "argocd.argoproj.io/") && !strings.HasPrefix(name, "helm.sh/") {
			continue
		}
		want, is := known[name]
		if !is || want != "" && have[name] != want {
			j.At(o, []any{"metadata", "annotations", name}, j.index.SpecOf(o), "tells Argo CD %s: %s, which changes how it is deployed", name, have[name])
		}
	}
	if text, is := have[wave]; is {
		if _, err := strconv.Atoi(text); err != nil {
			j.At(o, []any{"metadata", "annotations", wave}, j.index.SpecOf(o), "its wave is %q, which is no number", text)
		}
	}
}

// before are the kinds that a pod must find when it starts: what bounds it, and what it is.
var before = map[schema.GroupKind]string{
	{Group: "cilium.io", Kind: "CiliumNetworkPolicy"}:        "policy",
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:      "policy",
	{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"}: "policy",
	{Group: "cert-manager.io", Kind: "Certificate"}:          "certificate",
	{Kind: "ServiceAccount"}:                                 "service account",
	{Kind: "ResourceQuota"}:                                  "quota",
	{Kind: "LimitRange"}:                                     "limits",
}

// waves wants a namespace not after what is in it (within a wave Argo CD itself applies Namespaces first), and what bounds pods before whatever makes them.
func (j *judging) waves() {
	starts := map[string]int{} // the first wave in which a namespace has pods
	first := math.MaxInt
	for _, o := range j.makers() {
		n := j.wave(o)
		if seen, is := starts[o.GetNamespace()]; !is || n < seen {
			starts[o.GetNamespace()] = n
		}
		first = min(first, n)
	}
	for _, o := range j.env.Manifests {
		n := j.wave(o)
		if home := j.index.Object(index.Key{Kind: "Namespace", Name: o.GetNamespace()}); home != nil && n < j.wave(home) {
			j.At(o, []any{"metadata", "annotations", wave}, j.index.SpecOf(o), "is in wave %d, and its Namespace only in %d", n, j.wave(home))
		}
		what := before[o.GroupVersionKind().GroupKind()]
		if what == "" {
			continue
		}
		start, pods := starts[o.GetNamespace()]
		if o.GetNamespace() == "" {
			start, pods = first, first != math.MaxInt
		}
		if pods && n >= start {
			j.At(o, []any{"metadata", "annotations", wave}, j.index.SpecOf(o), "is in wave %d, and pods start in %d: the %s would come too late", n, start, what)
		}
	}
}

// makers are the objects that make pods.
func (j *judging) makers() []*object.Object {
	all := slices.Clone(j.index.Kind(argo, "Rollout"))
	for _, p := range j.index.Pods {
		all = append(all, p.Object)
	}
	return all
}
