package workload

import (
	"maps"
	"regexp"
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// monitors wants each PodMonitor to find a port of its name in every pod of the fleet that it selects.
func (j *judging) monitors() {
	for _, o := range j.index.Kind("monitoring.coreos.com", "PodMonitor") {
		selector := selectorAt(o, "spec", "selector")
		namespaces, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "namespaceSelector", "matchNames")
		if len(namespaces) == 0 {
			namespaces = []string{o.GetNamespace()}
		}
		endpoints, _, _ := unstructured.NestedSlice(o.Object, "spec", "podMetricsEndpoints")
		selected := 0
		for i, namespace := range namespaces {
			j.references++
			here := 0
			for _, p := range j.index.PodsIn(namespace) {
				if !selector.Matches(labels.Set(p.Template.Labels)) {
					continue
				}
				here++
				for e, endpoint := range endpoints {
					endpoint, _ := endpoint.(map[string]any)
					name, _ := endpoint["port"].(string)
					if !slices.ContainsFunc(p.Containers(), func(c index.Container) bool { return portNamed(c, name) != 0 }) {
						j.At(o, []any{"spec", "podMetricsEndpoints", e, "port"}, j.index.SpecOf(o), "asks %s for its figures at port %q, which it does not have", p.Object.GetName(), name)
					}
				}
			}
			if selected += here; here == 0 {
				j.At(o, []any{"spec", "namespaceSelector", "matchNames", i}, j.index.SpecOf(o), "selects no pod in %s", namespace)
			}
		}
		if selected < len(j.pods) {
			j.At(o, []any{"spec", "selector"}, j.index.SpecOf(o), "selects the pods of %d workloads, of %d", selected, len(j.pods))
		}
	}
}

// queries are the labels by which expressions of Prometheus name what they are about: `agent="detect"`.
var queries = regexp.MustCompile(`\b(agent|fleet|environment)=\\?"([^"\\$]*)\\?"`)

// names wants what is observed to be what is there.
func (j *judging) names() {
	agents := map[string]bool{}
	for _, w := range j.env.Workloads {
		agents[w.Name] = true
	}
	for _, kind := range []struct{ group, kind, field string }{
		{"monitoring.coreos.com", "PrometheusRule", "spec"},
		{"argoproj.io", "AnalysisTemplate", "spec"},
		{"", "ConfigMap", "data"},
	} {
		for _, o := range j.index.Kind(kind.group, kind.kind) {
			if _, shown := o.GetLabels()["grafana_dashboard"]; kind.kind == "ConfigMap" && !shown {
				continue // texts that authors wrote, of Agent Cards
			}
			j.queried(o, o.Object[kind.field], []any{kind.field}, agents)
		}
	}
}

func (j *judging) queried(o *object.Object, value any, path []any, agents map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			j.queried(o, v[key], append(slices.Clip(path), key), agents)
		}
	case []any:
		for i, child := range v {
			j.queried(o, child, append(slices.Clip(path), i), agents)
		}
	case string:
		seen := map[string]bool{}
		for _, m := range queries.FindAllStringSubmatch(v, -1) {
			is := map[string]bool{"agent": agents[m[2]], "fleet": m[2] == j.env.Fleet, "environment": m[2] == j.env.Name}
			if !is[m[1]] && !seen[m[0]] {
				j.At(o, path, claims.At{}, "is about the %s %q, which is not there", m[1], m[2])
			}
			seen[m[0]] = true
			j.references++
		}
	}
}
