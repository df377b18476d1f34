package workload

import (
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rollouts wants one for each canary, which takes the pods from the Deployment, and none for anybody else.
func (j *judging) rollouts() {
	for _, o := range j.index.Kind("argoproj.io", "Rollout") {
		w := j.index.Workload(o.GetNamespace(), o.GetName())
		if w == nil || w.Runs.Canary == nil {
			j.At(o, []any{"metadata", "name"}, j.index.SpecOf(o), "no workload of the fleet is claimed to have a canary of this name")
			continue
		}
		if target := index.Target(o, "spec", "workloadRef"); target != controller(w) || j.found(target) == nil {
			j.At(o, []any{"spec", "workloadRef"}, w.At, "takes its pods from %s %s, not from its Deployment", target.Kind, target.Name)
		}
		j.named(o, o.Object["spec"], []any{"spec"}, w)
	}
	for i := range j.env.Workloads {
		w := &j.env.Workloads[i]
		if w.Runs.Canary == nil {
			continue
		}
		if j.found(rollout(w)) == nil {
			j.Missing(j.env.WorkloadFile(w), w.At, "there is no Rollout %s/%s", w.Namespace, w.Name)
		}
		if p := j.pods[w]; p != nil {
			if replicas, is, _ := unstructured.NestedInt64(p.Object.Object, "spec", "replicas"); !is || replicas != 0 {
				j.At(p.Object, []any{"spec", "replicas"}, w.At, "the Deployment runs pods beside those of its Rollout")
			}
		}
	}
}

// refers are the fields of a Rollout that name other objects, at whatever depth of its steps.
var refers = map[string]index.Key{
	"templateName":   {Group: "argoproj.io", Kind: "AnalysisTemplate"},
	"canaryService":  {Kind: "Service"},
	"stableService":  {Kind: "Service"},
	"activeService":  {Kind: "Service"},
	"previewService": {Kind: "Service"},
	"pingService":    {Kind: "Service"},
	"pongService":    {Kind: "Service"},
	"stableIngress":  {Group: "networking.k8s.io", Kind: "Ingress"},
}

// named follows every name in a Rollout.
func (j *judging) named(o *object.Object, value any, path []any, w *claims.Workload) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			at := append(slices.Clip(path), key)
			if k, is := refers[key]; is {
				name, _ := child.(string)
				k.Namespace, k.Name = o.GetNamespace(), name
				if j.found(k) == nil {
					j.At(o, at, w.At, "refers by %s to %v, which is not there", key, child)
				}
				continue
			}
			j.named(o, child, at, w)
		}
	case []any:
		for i, child := range v {
			j.named(o, child, append(slices.Clip(path), i), w)
		}
	}
}
