package emit

import (
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds that Argo CD may apply, and prune, on behalf of a fleet: every kind that an emitter of this compiler can write
// into the manifests. They are not computed from the fleet at hand, since what leaves the list is never pruned (see
// fleetGlob): a kind stays here for one release after its last emitter. Argo CD's own kinds must never be here.
var (
	clusterKinds = []metav1.GroupKind{
		{Group: "", Kind: "Namespace"},
		{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"},
	}
	namespacedKinds = []metav1.GroupKind{
		{Group: "", Kind: "ConfigMap"},
		{Group: "", Kind: "LimitRange"},
		{Group: "", Kind: "ResourceQuota"},
		{Group: "", Kind: "Service"},
		{Group: "", Kind: "ServiceAccount"},
		{Group: "apps", Kind: "Deployment"},
		{Group: "apps", Kind: "StatefulSet"},
		{Group: "argoproj.io", Kind: "AnalysisTemplate"},
		{Group: "argoproj.io", Kind: "Rollout"},
		{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"},
		{Group: "cert-manager.io", Kind: "Certificate"},
		{Group: "cilium.io", Kind: "CiliumNetworkPolicy"},
		{Group: "monitoring.coreos.com", Kind: "PodMonitor"},
		{Group: "monitoring.coreos.com", Kind: "PrometheusRule"},
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"},
		{Group: "policy", Kind: "PodDisruptionBudget"},
	}
)

// manifest is what every Kubernetes object can tell of itself.
type manifest interface {
	GetObjectKind() schema.ObjectKind
	GetNamespace() string
	GetName() string
}

// permitted refuses what the project would not permit. Argo CD would refuse it too, but only after the merge.
func permitted(env *model.Environment, objects []artifact.Object) error {
	if argo := env.Fleet.Git.ArgoNamespace; strings.HasPrefix(argo, env.Fleet.Name+"-") {
		return fmt.Errorf("Argo CD's namespace %q begins like the fleet's own (%q), so that its Applications could change Argo CD itself: rename one of them", argo, fleetGlob(env))
	}
	spaces := map[string]bool{"": true, env.System.Namespace: true}
	for _, n := range env.Namespaces {
		spaces[n.Name] = true
	}
	for _, o := range objects {
		if _, synced := belowManifests(env, o.File); !synced {
			continue
		}
		if err := permittedObject(o, spaces); err != nil {
			return fmt.Errorf("%s: %w", o.File, err)
		}
	}
	return nil
}

func permittedObject(o artifact.Object, spaces map[string]bool) error {
	m, ok := o.Value.(manifest)
	if !ok {
		return fmt.Errorf("a %T is no pointer to a Kubernetes object, and Argo CD reads every file here", o.Value)
	}
	gvk := m.GetObjectKind().GroupVersionKind()
	kinds := namespacedKinds
	if m.GetNamespace() == "" {
		kinds = clusterKinds
	}
	if !slices.Contains(kinds, metav1.GroupKind{Group: gvk.Group, Kind: gvk.Kind}) {
		return fmt.Errorf("%s %s/%s: no Application may apply this kind; an emitter that writes it adds it to delivery_kinds.go",
			gvk.GroupKind(), m.GetNamespace(), m.GetName())
	}
	if !spaces[m.GetNamespace()] {
		return fmt.Errorf("%s %s: namespace %q is not the fleet's", gvk.Kind, m.GetName(), m.GetNamespace())
	}
	return nil
}
