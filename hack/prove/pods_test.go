//go:build judge

package prove

import (
	"slices"
	"strings"
)

// workloadOf are the kinds that make pods.
var workloadOf = []string{"Deployment", "StatefulSet"}

// pods changes each pod template.
func pods(change func(o *object, pod y)) mutator {
	return each("the pod", func(o *object) { change(o, podOf(o)) }, workloadOf...)
}

// agentPods changes those with a guard.
func agentPods(change func(o *object, pod y)) mutator {
	return each("the pod", func(o *object) { change(o, podOf(o)) }, "Deployment")
}

func podOf(o *object) y { return dict(o.tree, "spec", "template", "spec") }

// containersOf are all containers of a pod.
func containersOf(pod y) []y {
	var all []y
	for _, c := range append(slices.Clone(list(pod, "initContainers")), list(pod, "containers")...) {
		all = append(all, c.(y))
	}
	return all
}

// containers changes each container of some names: the guard, the agent, agentd.
func containers(change func(o *object, container y), names ...string) mutator {
	return func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				if slices.Contains(names, str(c["name"])) && t.here("container "+str(c["name"]), o) {
					change(o, c)
				}
			}
		}
	}
}

func guard(o *object) y { return dict(podOf(o), "initContainers", 0) }

func agent(o *object) y { return dict(podOf(o), "containers", 0) }

// volumes changes each volume that has a field, of pods whatever they are.
func volumes(field string, change func(o *object, volume y)) mutator {
	return func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, v := range list(podOf(o), "volumes") {
				if at(v, field) != nil && t.here("volume "+str(at(v, "name")), o) {
					change(o, v.(y))
				}
			}
		}
	}
}

// argument changes the value of a flag where there is one.
func argument(name string, change func(o *object, value string) string) mutator {
	return func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				args := list(c, "args")
				for i, arg := range args {
					flag, value, _ := strings.Cut(str(arg), "=")
					if flag == name && t.here(str(arg), o) {
						args[i] = flag + "=" + change(o, value)
					}
				}
			}
		}
	}
}

// constant is a change to one value.
func constant(value string) func(*object, string) string {
	return func(*object, string) string { return value }
}

// withoutArgument takes each argument of a container away in turn.
func withoutArgument(t *target) {
	for _, o := range t.of(workloadOf...) {
		for _, c := range containersOf(podOf(o)) {
			for i, arg := range list(c, "args") {
				if t.here(str(arg), o) {
					remove(c, "args", i)
				}
			}
		}
	}
}
