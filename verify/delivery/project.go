package delivery

import (
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What a fleet is made of. No kind of Argo CD's own is among them, which could widen the project, and none that gives rights.
var (
	clusterKinds = []schema.GroupKind{
		{Group: "", Kind: "Namespace"},
		{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"},
	}
	namespacedKinds = []schema.GroupKind{
		{Group: "", Kind: "ConfigMap"},
		{Group: "", Kind: "LimitRange"},
		{Group: "", Kind: "ResourceQuota"},
		{Group: "", Kind: "Service"},
		{Group: "", Kind: "ServiceAccount"},
		{Group: "apps", Kind: "Deployment"},
		{Group: "apps", Kind: "StatefulSet"},
		{Group: argo, Kind: "AnalysisTemplate"},
		{Group: argo, Kind: "Rollout"},
		{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"},
		{Group: "cert-manager.io", Kind: "Certificate"},
		{Group: "cilium.io", Kind: "CiliumNetworkPolicy"},
		{Group: "monitoring.coreos.com", Kind: "PodMonitor"},
		{Group: "monitoring.coreos.com", Kind: "PrometheusRule"},
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"},
		{Group: "policy", Kind: "PodDisruptionBudget"},
	}
)

// namespaces is the glob of all namespaces that the fleet has, had and will have: what a project does not permit Argo CD never prunes.
func (j *judging) namespaces() string { return j.env.Fleet + "-*" }

// bounds compares the AppProject. `sourceRepos` and the rest are lists of globs to Argo CD, of which ours have one, in one place.
func (j *judging) bounds(o *object.Object) {
	want := map[string]any{
		"description":                anything{},
		"sourceRepos":                []any{j.claimed.Repository},
		"destinations":               []any{map[string]any{"server": j.claimed.Cluster, "namespace": j.namespaces()}},
		"clusterResourceWhitelist":   anything{},
		"namespaceResourceWhitelist": anything{},
	}
	var keys []any
	for _, id := range j.claimed.SignatureKeys {
		keys = append(keys, map[string]any{"keyID": id})
	}
	if len(keys) > 0 {
		want["signatureKeys"] = keys
	}
	j.compare(o, o.Object["spec"], want, "spec")
	j.permitsOnly(o, "clusterResourceWhitelist", clusterKinds)
	j.permitsOnly(o, "namespaceResourceWhitelist", namespacedKinds)
	if matches(j.namespaces(), j.claimed.Namespace) {
		j.At(o, []any{"spec", "destinations"}, j.claimed.At, "permits Argo CD's own namespace %s, in which it could be changed itself", j.claimed.Namespace)
	}
}

// permitsOnly wants a whitelist to hold no kind that a fleet is not made of. Argo CD takes each for a glob, and none of ours is one.
func (j *judging) permitsOnly(o *object.Object, list string, kinds []schema.GroupKind) {
	for i, gk := range permitted(o, list) {
		if !slices.Contains(kinds, gk) {
			j.At(o, []any{"spec", list, i}, j.claimed.At, "permits the kind %q of the group %q, of which no fleet has any", gk.Kind, gk.Group)
		}
	}
}

func permitted(o *object.Object, list string) []schema.GroupKind {
	items, _, _ := unstructured.NestedSlice(o.Object, "spec", list)
	var kinds []schema.GroupKind
	for _, item := range items {
		item, _ := item.(map[string]any)
		group, _ := item["group"].(string)
		kind, _ := item["kind"].(string)
		kinds = append(kinds, schema.GroupKind{Group: group, Kind: kind})
	}
	return kinds
}

// kinds wants the project to permit every manifest: Argo CD refuses the whole sync for one that it does not.
func (j *judging) kinds() {
	if j.project == nil {
		return
	}
	cluster, namespaced := permitted(j.project, "clusterResourceWhitelist"), permitted(j.project, "namespaceResourceWhitelist")
	for _, o := range j.env.Manifests {
		gk := o.GroupVersionKind().GroupKind()
		in, kinds := "in a namespace", namespaced
		if o.GetNamespace() == "" {
			in, kinds = "for the whole cluster", cluster
		}
		if !slices.Contains(kinds, gk) {
			j.At(o, []any{"kind"}, claims.At{}, "is of a kind that the AppProject does not permit %s", in)
		}
		if namespace := namespaceOf(o); namespace != "" && !matches(j.namespaces(), namespace) {
			j.At(o, []any{"metadata", "namespace"}, claims.At{}, "is in a namespace that the AppProject does not permit")
		}
		j.annotations(o, j.known(o))
	}
}

// known are the annotations for Argo CD that an object may have. The audit log is in agentd's namespace: nobody loses it without being asked.
func (j *judging) known(o *object.Object) map[string]string {
	known := map[string]string{wave: ""}
	for _, w := range j.env.Workloads {
		if w.Guard == "" && index.KeyOf(o) == (index.Key{Kind: "Namespace", Name: w.Namespace}) {
			known["argocd.argoproj.io/sync-options"] = "Delete=confirm,Prune=confirm"
		}
	}
	return known
}

// namespaceOf is the namespace that an object is in, or that it is; empty for what belongs to the whole cluster.
func namespaceOf(o *object.Object) string {
	if o.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Namespace"}) {
		return o.GetName()
	}
	return o.GetNamespace()
}

// matches asks the library that Argo CD asks, in its way: `*` crosses slashes. What is no glob matches nothing.
func matches(pattern, text string) bool {
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(text)
}
