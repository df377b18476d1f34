package workload

import (
	"fmt"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// found is the object that is referred to; nil if it is not there.
func (j *judging) found(k index.Key) *object.Object {
	j.references++
	return j.index.Object(k)
}

// one is the only pod that a selector selects in a namespace. An empty selector selects all of them; of none and of several it is said so.
func (j *judging) one(o *object.Object, path []any, selector labels.Selector) *index.Pod {
	j.references++
	var all []*index.Pod
	for _, p := range j.index.PodsIn(o.GetNamespace()) {
		if selector.Matches(labels.Set(p.Template.Labels)) {
			all = append(all, p)
		}
	}
	switch {
	case len(all) == 0:
		j.At(o, path, j.index.SpecOf(o), "selects no pod")
	case len(all) > 1:
		j.At(o, path, j.index.SpecOf(o), "selects the pods of %s and of %s", all[0].Object.GetName(), all[1].Object.GetName())
	case selector.Empty():
		j.At(o, path, j.index.SpecOf(o), "selects every pod of its namespace")
	default:
		return all[0]
	}
	return nil
}

// into reads an object into its type. The schema layer says what is wrong with one that cannot be read.
func into(o *object.Object, typed any) bool {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed) == nil
}

// selectorAt is the selector of an object. One that cannot be read selects nothing.
func selectorAt(o *object.Object, path ...string) labels.Selector {
	found, _, _ := unstructured.NestedMap(o.Object, path...)
	var typed metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(found, &typed) != nil {
		return labels.Nothing()
	}
	s, err := metav1.LabelSelectorAsSelector(&typed)
	if err != nil {
		return labels.Nothing()
	}
	return s
}

// services wants each Service to lead inside the cluster to a port of one workload, and each claimed name to be a Service that leads there.
func (j *judging) services() {
	leads := map[index.Name]*index.Pod{}
	calls := map[*claims.Workload]bool{}
	for _, o := range j.index.Kind("", "Service") {
		var s corev1.Service
		if !into(o, &s) {
			continue
		}
		at := j.index.SpecOf(o)
		if s.Spec.Type != corev1.ServiceTypeClusterIP || len(s.Spec.ExternalIPs) > 0 || s.Spec.ExternalName != "" {
			j.At(o, []any{"spec", "type"}, at, "can be reached from outside the cluster, or leads out of it")
		}
		p := j.one(o, []any{"spec", "selector"}, labels.SelectorFromSet(s.Spec.Selector))
		if p == nil {
			continue
		}
		leads[index.Name{Namespace: s.Namespace, Name: s.Name}] = p
		for i, port := range s.Spec.Ports {
			c, number := listener(p, port.TargetPort)
			if number == 0 {
				j.At(o, []any{"spec", "ports", i, "targetPort"}, at, "leads to port %s of %s, where nobody listens", port.TargetPort.String(), p.Object.GetName())
				continue
			}
			if number == port.Port && p.Workload != nil && calledAt(p, c, number) {
				calls[p.Workload] = true
			}
		}
	}
	for w := range j.pods {
		j.reachable(w, leads, calls[w])
	}
}

// calledAt says whether a port of a container is the one at which the workload is called, by those who know it by its certificate.
func calledAt(p *index.Pod, c index.Container, port int32) bool {
	guard, _ := p.Guarded()
	listen, _ := c.Arguments("listen")
	return c.Container == guard.Container && slices.Equal(listen, []string{fmt.Sprintf(":%d", port)})
}

// reachable wants the names of a workload's certificate to be those under which it is called. That of agentd's page leads to a gateway outside the
// fleet, which goes on to agentd's Service.
func (j *judging) reachable(w *claims.Workload, leads map[index.Name]*index.Pod, called bool) {
	o := j.pods[w].Object
	for _, name := range w.Names {
		if name == j.env.Decisions.Escalation.PageHost() {
			continue
		}
		parts := strings.SplitN(name, ".", 3)
		if len(parts) < 3 || parts[1] != w.Namespace || leads[index.Name{Namespace: w.Namespace, Name: parts[0]}] != j.pods[w] {
			j.At(o, []any{"metadata", "name"}, w.At, "no Service leads from %s to %s", name, w.Name)
		}
		j.references++
	}
	if !called {
		j.At(o, []any{"metadata", "name"}, w.At, "no Service leads to the port at which %s is called", w.Name)
	}
}

// listener is the container that listens at what a Service calls its target, and the number of the port; 0 if there is none.
func listener(p *index.Pod, port intstr.IntOrString) (index.Container, int32) {
	for _, c := range p.Containers() {
		for _, own := range c.Ports {
			if port.Type == intstr.String && own.Name == port.StrVal || port.Type == intstr.Int && own.ContainerPort == port.IntVal {
				return c, own.ContainerPort
			}
		}
	}
	return index.Container{}, 0
}

// budgets wants disruption budgets, and the controllers themselves, to select the pods of one workload.
func (j *judging) budgets() {
	for _, o := range j.index.Kind("policy", "PodDisruptionBudget") {
		j.one(o, []any{"spec", "selector"}, selectorAt(o, "spec", "selector"))
	}
	for w, p := range j.pods {
		if selected := j.one(p.Object, []any{"spec", "selector"}, selectorAt(p.Object, "spec", "selector")); selected != nil && selected != p {
			j.At(p.Object, []any{"spec", "selector"}, w.At, "selects the pods of %s", selected.Object.GetName())
		}
		service, _, _ := unstructured.NestedString(p.Object.Object, "spec", "serviceName")
		if w.Guard == "" && j.found(index.Key{Kind: "Service", Namespace: w.Namespace, Name: service}) == nil {
			j.At(p.Object, []any{"spec", "serviceName"}, w.At, "serviceName is %q, which is no Service here", service)
		}
	}
}

// autoscalers wants each to scale what runs the pods: the Rollout of a canary, which takes them from its Deployment.
func (j *judging) autoscalers() {
	for _, o := range j.index.Kind("autoscaling", "HorizontalPodAutoscaler") {
		target := index.Target(o, "spec", "scaleTargetRef")
		w := j.index.Workload(target.Namespace, target.Name)
		if w == nil || j.found(target) == nil {
			j.At(o, []any{"spec", "scaleTargetRef"}, j.index.SpecOf(o), "scales %s %s, which is not there", target.Kind, target.Name)
			continue
		}
		want := controller(w)
		if w.Runs.Canary != nil {
			want = rollout(w)
		}
		if target != want {
			j.At(o, []any{"spec", "scaleTargetRef"}, w.At, "scales the %s of %s, whose pods are made by its %s", target.Kind, w.Name, want.Kind)
		}
	}
}

func rollout(w *claims.Workload) index.Key {
	return index.Key{Group: "argoproj.io", Kind: "Rollout", Namespace: w.Namespace, Name: w.Name}
}
