// Package workload judges whether what runs is what is claimed, and whether the objects around it find each other: a Service its pods, an
// autoscaler its Rollout, a volume its ConfigMap. A reference into nothing is accepted by every API server and fails only later, often in
// silence: a Service without pods, a disruption budget that protects nobody.
package workload

import (
	"maps"
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"
)

// judging is one environment while it is judged.
type judging struct {
	*judge.Report
	env        *judge.Environment
	index      *index.Index
	pods       map[*claims.Workload]*index.Pod
	references int
}

// Judge compares the workloads with the claims, and the objects with each other.
func Judge(env *judge.Environment, report *judge.Report) error {
	j := &judging{Report: report, env: env, index: index.Of(env), pods: map[*claims.Workload]*index.Pod{}}
	j.workloads()
	j.nothingElse()
	j.namespaces()
	j.labels()
	j.services()
	j.budgets()
	j.autoscalers()
	j.rollouts()
	j.monitors()
	j.names()
	for _, p := range j.index.Pods {
		j.pod(p)
	}
	report.Count("workloads", len(env.Workloads))
	report.Count("references", j.references)
	return nil
}

// workloads wants each claimed workload to be there, once, as what it should be.
func (j *judging) workloads() {
	for _, p := range j.index.Pods {
		w := p.Workload
		switch {
		case w == nil:
			j.At(p.Object, []any{"metadata", "name"}, claims.At{}, "makes pods, and no workload of the fleet is claimed to be this")
		case index.KeyOf(p.Object) != controller(w):
			j.At(p.Object, []any{"kind"}, w.At, "makes pods of %s beside its %s", w.Name, controller(w).Kind)
		default:
			j.pods[w] = p
			j.containers(p, w)
		}
	}
	for i := range j.env.Workloads {
		if w := &j.env.Workloads[i]; j.pods[w] == nil {
			j.Missing(j.env.WorkloadFile(w), w.At, "there is no %s %s/%s", controller(w).Kind, w.Namespace, w.Name)
		}
	}
}

// controller is what makes the pods of a workload: agentd has a volume for each replica.
func controller(w *claims.Workload) index.Key {
	kind := "Deployment"
	if w.Guard == "" {
		kind = "StatefulSet"
	}
	return index.Key{Group: "apps", Kind: kind, Namespace: w.Namespace, Name: w.Name}
}

// nothingElse looks for pods in objects of kinds that we do not know as makers of pods, and for two objects of one name.
func (j *judging) nothingElse() {
	for _, o := range j.index.Same {
		j.At(o, []any{"metadata", "name"}, j.index.SpecOf(o), "is there twice: the one that is applied last would win")
	}
	known := map[*object.Object]bool{}
	for _, p := range j.index.Pods {
		known[p.Object] = true
	}
	for _, o := range j.env.Manifests {
		if path := containers(o.Object, nil); !known[o] && path != nil {
			j.At(o, path, j.index.SpecOf(o), "describes pods, which only the claimed workloads may")
		}
	}
}

// containers is where a value lists containers, at any depth; nil if it does not.
func containers(value any, path []any) []any {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"containers", "initContainers", "ephemeralContainers"} {
			if list, is := v[key].([]any); is && len(list) > 0 {
				return append(path, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if found := containers(v[key], append(slices.Clip(path), key)); found != nil {
				return found
			}
		}
	case []any:
		for i, child := range v {
			if found := containers(child, append(slices.Clip(path), i)); found != nil {
				return found
			}
		}
	}
	return nil
}
