package check

import "k8s.io/apimachinery/pkg/api/resource"

// resourceLimits refuses an agent without limits: one agent in a loop would take the node from the others.
func resourceLimits(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			lim := a.Workload.Resources.Limits
			for _, r := range []struct {
				name, example string
				amount        resource.Quantity
			}{
				{"cpu", "500m", lim.CPU},
				{"memory", "512Mi", lim.Memory},
				{"ephemeralStorage", "256Mi", lim.EphemeralStorage},
			} {
				if r.amount.IsZero() {
					p.report(in(a.Doc, "spec.workload.resources.limits"),
						"%s has no %s limit in %s; set workload.resources.limits.%s, say %s, here or in the platform's defaults",
						a.Name, r.name, env.Name, r.name, r.example)
				}
			}
		}
	}
}
