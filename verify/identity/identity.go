// Package identity judges whether each workload of the fleet holds its own identity and nobody else does: the certificate, the secret that
// it comes in, the container that mounts it, the service account, and what the guard and the bundle call it must all say the same.
//
// Nothing here is an engine. Each of these files is read by another program (cert-manager, the kubelet, Cilium, agentd), and none of them
// would notice that the others mean somebody else.
package identity

import (
	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// judging is one environment while it is judged.
type judging struct {
	*judge.Report
	env     *judge.Environment
	index   *index.Index
	secrets map[index.Name]*claims.Workload // whose key a secret holds
	agentd  *claims.Workload
}

// Judge compares what the claims and the files say of each workload's identity.
func Judge(env *judge.Environment, report *judge.Report) error {
	j := &judging{Report: report, env: env, index: index.Of(env), secrets: map[index.Name]*claims.Workload{}}
	for i := range env.Workloads {
		if w := &env.Workloads[i]; w.Guard == "" {
			j.agentd = w
		}
	}
	j.certificates()
	j.shared()
	for _, p := range j.index.Pods {
		j.pod(p)
	}
	j.accounts()
	j.selectors()
	j.bundle()
	report.Count("identities", len(env.Workloads))
	j.rings()
	return nil
}

// shared wants every name to be one workload's.
func (j *judging) shared() {
	owners := map[[2]string]string{}
	own := func(w *claims.Workload, what, name string) {
		key := [2]string{what, name}
		if other, taken := owners[key]; taken && other != w.Name {
			j.Missing(j.env.WorkloadFile(w), w.At, "%s and %s share the %s %s", other, w.Name, what, name)
		}
		owners[key] = w.Name
	}
	for i := range j.env.Workloads {
		w := &j.env.Workloads[i]
		own(w, "SPIFFE id", w.SPIFFE)
		own(w, "service account", w.Namespace+"/"+w.Account)
		for _, name := range w.Names {
			own(w, "DNS name", name)
		}
		if want := j.spiffe(w.Namespace, w.Account); w.SPIFFE != want {
			j.Missing(j.env.WorkloadFile(w), w.At, "%s is called %s, not %s by its namespace and service account", w.Name, w.SPIFFE, want)
		}
	}
}

func (j *judging) spiffe(namespace, account string) string {
	return "spiffe://" + j.env.TrustDomain + "/ns/" + namespace + "/sa/" + account
}

// accounts wants of each workload that its service account is there, and gives nobody a token.
func (j *judging) accounts() {
	for i := range j.env.Workloads {
		w := &j.env.Workloads[i]
		o := j.index.Object(index.Key{Kind: "ServiceAccount", Namespace: w.Namespace, Name: w.Account})
		if o == nil {
			j.Missing(j.env.WorkloadFile(w), w.At, "there is no ServiceAccount %s/%s", w.Namespace, w.Account)
			continue
		}
		if mounts, is, _ := unstructured.NestedBool(o.Object, "automountServiceAccountToken"); mounts || !is {
			j.At(o, []any{"automountServiceAccountToken"}, w.At, "gives its pods a token of the cluster")
		}
	}
	for _, o := range j.index.Kind("", "ServiceAccount") {
		if j.index.Account(o.GetNamespace(), o.GetName()) == nil {
			j.At(o, []any{"metadata", "name"}, claims.At{}, "no workload of the fleet has this service account")
		}
	}
}

// account is the label by which Cilium knows the service account of a pod.
const account = "k8s:io.cilium.k8s.policy.serviceaccount"

// selectors wants each network policy to be about one workload, by what it cannot choose itself.
func (j *judging) selectors() {
	for _, o := range j.index.Kind("cilium.io", "CiliumNetworkPolicy") {
		if spec, is, _ := unstructured.NestedMap(o.Object, "spec"); is {
			j.selector(o, spec, "spec")
		}
		specs, _, _ := unstructured.NestedSlice(o.Object, "specs")
		for i, spec := range specs {
			spec, _ := spec.(map[string]any)
			j.selector(o, spec, "specs", i)
		}
	}
}

func (j *judging) selector(o *object.Object, spec map[string]any, path ...any) {
	selector, _ := spec["endpointSelector"].(map[string]any)
	labels, _ := selector["matchLabels"].(map[string]any)
	name, _ := labels[account].(string)
	path = append(path, "endpointSelector")
	switch {
	case len(selector) != 1 || len(labels) != 1 || name == "":
		j.At(o, path, j.index.SpecOf(o), "selects pods otherwise than by their service account: %v", selector)
	case j.index.Account(o.GetNamespace(), name) == nil:
		j.At(o, path, j.index.SpecOf(o), "selects the service account %s, which no workload in %s has", name, o.GetNamespace())
	}
}
