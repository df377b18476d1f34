package check

import "k8s.io/apimachinery/pkg/api/resource"

// resourceLimits refuses an agent without limits: one agent in a loop would take the node from the others.
func resourceLimits(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			lim := a.Workload.Resources.Limits
			var missing []string
			for _, r := range []struct {
				name   string
				amount resource.Quantity
			}{{"cpu", lim.CPU}, {"memory", lim.Memory}, {"ephemeralStorage", lim.EphemeralStorage}} {
				// What was written and could not be read is not missing; the reader has spoken of it.
				if r.amount.IsZero() && a.Source("workload.resources.limits."+r.name).Layer == "default" {
					missing = append(missing, r.name)
				}
			}
			if len(missing) > 0 {
				p.reportIn(env, in(a.Doc, "spec.workload.resources.limits"),
					"%s has no limit of %s; write workload.resources.limits, as in {cpu: 500m, memory: 512Mi, ephemeralStorage: 256Mi}, here or in the platform's defaults",
					a.Name, and(missing))
			}
		}
	}
}
