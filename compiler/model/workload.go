package model

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"time"

	"agentc/schema"
)

// merge fills what the nearer layers leave unset from the farther ones. Maps are merged key by key, lists as a whole.
func merge(layers ...schema.Workload) schema.Workload {
	out := schema.Workload{}
	for _, l := range layers {
		fill(reflect.ValueOf(&out).Elem(), reflect.ValueOf(l))
	}
	complete(&out)
	return out
}

func fill(dst, src reflect.Value) {
	switch {
	case dst.Kind() == reflect.Struct:
		for i := range dst.NumField() {
			fill(dst.Field(i), src.Field(i))
		}
	case dst.Kind() == reflect.Map && !src.IsNil():
		merged := reflect.MakeMap(dst.Type())
		for _, m := range []reflect.Value{src, dst} { // the nearer one last: it wins
			for it := m.MapRange(); it.Next(); {
				merged.SetMapIndex(it.Key(), it.Value())
			}
		}
		dst.Set(merged)
	case dst.IsZero():
		dst.Set(src)
	}
}

// complete sets the defaults that depend on other values.
func complete(w *schema.Workload) {
	w.Replicas.Max = cmp.Or(w.Replicas.Max, w.Replicas.Min)
	req, lim := &w.Resources.Requests, w.Resources.Limits
	req.CPU = cmp.Or(req.CPU, lim.CPU)
	req.Memory = cmp.Or(req.Memory, lim.Memory)
	req.EphemeralStorage = cmp.Or(req.EphemeralStorage, lim.EphemeralStorage)
	if w.Rollout.Strategy == "canary" {
		w.Rollout.MaxErrorRate = cmp.Or(w.Rollout.MaxErrorRate, &canaryErrorRate)
		if len(w.Rollout.Steps) == 0 {
			w.Rollout.Steps = canarySteps
		}
	}
}

func workload(w *schema.Workload) Workload {
	return Workload{
		MinReplicas:      *w.Replicas.Min,
		MaxReplicas:      *w.Replicas.Max,
		TargetCPU:        *w.Replicas.TargetCPU,
		Resources:        resources(w.Resources, schema.ResourceList{}),
		RequestTimeout:   time.Duration(w.Timeouts.Request),
		ShutdownTimeout:  time.Duration(w.Timeouts.Shutdown),
		Startup:          probe(w.Restart.Startup),
		Readiness:        probe(w.Restart.Readiness),
		Liveness:         probe(w.Restart.Liveness),
		MaxUnavailable:   *w.Restart.MaxUnavailable,
		ProgressDeadline: time.Duration(w.Restart.ProgressDeadline),
		Canary:           canary(w.Rollout),
		Env:              environmentVariables(w.Env),
	}
}

func probe(w schema.Probe) Probe {
	return Probe{Path: w.Path, Period: time.Duration(w.Period), Timeout: time.Duration(w.Timeout), Failures: *w.Failures}
}

func canary(w schema.Rollout) *Canary {
	if w.Strategy != "canary" {
		return nil
	}
	return &Canary{Stable: w.Stable, Steps: slices.Clone(w.Steps), MaxErrorRate: *w.MaxErrorRate}
}

func environmentVariables(written map[string]string) []EnvVar {
	var all []EnvVar
	for name, value := range written {
		all = append(all, EnvVar{name, value})
	}
	return sorted(all, func(e EnvVar) string { return e.Name })
}

// resources reads amounts; what is not written is taken from the default limits, and requests from the limits.
func resources(w schema.Resources, limits schema.ResourceList) Resources {
	lim := overlayList(w.Limits, limits)
	return Resources{Requests: list(overlayList(w.Requests, lim)), Limits: list(lim)}
}

func overlayList(near, far schema.ResourceList) schema.ResourceList {
	return schema.ResourceList{
		CPU:              cmp.Or(near.CPU, far.CPU),
		Memory:           cmp.Or(near.Memory, far.Memory),
		EphemeralStorage: cmp.Or(near.EphemeralStorage, far.EphemeralStorage),
	}
}

func list(w schema.ResourceList) ResourceList {
	return ResourceList{CPU: w.CPU.Value(), Memory: w.Memory.Value(), EphemeralStorage: w.EphemeralStorage.Value()}
}

// index is the path of an entry of a list.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
