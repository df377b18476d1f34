package workload

import (
	"maps"
	"reflect"
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
)

// restricted are the labels of a namespace in which only restricted pods run.
var restricted = map[string]string{
	"pod-security.kubernetes.io/enforce":         "restricted",
	"pod-security.kubernetes.io/enforce-version": "v1.36",
	"pod-security.kubernetes.io/warn":            "restricted",
	"pod-security.kubernetes.io/warn-version":    "latest",
	"pod-security.kubernetes.io/audit":           "restricted",
	"pod-security.kubernetes.io/audit-version":   "latest",
}

// namespaces wants those of the claimed workloads and no others, each restricted and closed.
func (j *judging) namespaces() {
	claimed := map[string]*claims.Workload{}
	for i := range j.env.Workloads {
		w := &j.env.Workloads[i]
		if claimed[w.Namespace] == nil {
			claimed[w.Namespace] = w
		}
	}
	for _, o := range j.index.Kind("", "Namespace") {
		if claimed[o.GetName()] == nil {
			j.At(o, []any{"metadata", "name"}, claims.At{}, "no workload of the fleet is in this namespace")
		}
		have := o.GetLabels()
		for _, label := range slices.Sorted(maps.Keys(restricted)) {
			if have[label] != restricted[label] {
				j.At(o, []any{"metadata", "labels", label}, claims.At{}, "%s is %q, not %q", label, have[label], restricted[label])
			}
		}
	}
	for _, o := range j.env.Manifests {
		if namespace := o.GetNamespace(); namespace != "" && claimed[namespace] == nil {
			j.At(o, []any{"metadata", "namespace"}, claims.At{}, "is in a namespace where no workload of the fleet is")
		}
	}
	closed := j.closed()
	for _, name := range slices.Sorted(maps.Keys(claimed)) {
		w := claimed[name]
		if j.found(index.Key{Kind: "Namespace", Name: name}) == nil {
			j.Missing(j.env.WorkloadFile(w), w.At, "there is no Namespace %s", name)
		}
		if !closed[name] {
			j.Missing(j.env.WorkloadFile(w), w.At, "no NetworkPolicy of %s denies everything in both directions", name)
		}
	}
}

// closed are the namespaces that a NetworkPolicy of Kubernetes closes. It stands in for a policy of Cilium that Cilium finds invalid.
func (j *judging) closed() map[string]bool {
	closed := map[string]bool{}
	for _, o := range j.index.Kind("networking.k8s.io", "NetworkPolicy") {
		if reflect.DeepEqual(o.Object["spec"], map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Ingress", "Egress"}}) {
			closed[o.GetNamespace()] = true
		}
	}
	return closed
}

// labels wants every object, and every pod, to say whose it is: admission and alerts go by that.
func (j *judging) labels() {
	want := map[string]string{"agents.d/fleet": j.env.Fleet, "agents.d/environment": j.env.Name}
	for _, o := range slices.Concat(j.env.Manifests, j.env.Delivery) {
		have := o.GetLabels()
		for _, label := range slices.Sorted(maps.Keys(want)) {
			if have[label] != want[label] {
				j.At(o, []any{"metadata", "labels", label}, j.index.SpecOf(o), "%s is %q, not %q", label, have[label], want[label])
			}
		}
	}
	for _, p := range j.index.Pods {
		want := maps.Clone(want)
		if p.Workload != nil {
			want[index.AgentLabel] = p.Workload.Name
		}
		for _, label := range slices.Sorted(maps.Keys(want)) {
			if have := p.Template.Labels[label]; have != want[label] {
				j.At(p.Object, p.Path("metadata", "labels", label), j.index.SpecOf(p.Object), "%s of its pods is %q, not %q", label, have, want[label])
			}
		}
	}
}
