package check

import "k8s.io/apimachinery/pkg/api/resource"

// resourceOrder refuses a request above its limit, which the API server would refuse as well.
func resourceOrder(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			req, lim := a.Workload.Resources.Requests, a.Workload.Resources.Limits
			for _, r := range []struct {
				name     string
				req, lim resource.Quantity
			}{
				{"cpu", req.CPU, lim.CPU},
				{"memory", req.Memory, lim.Memory},
				{"ephemeralStorage", req.EphemeralStorage, lim.EphemeralStorage},
			} {
				if !r.lim.IsZero() && r.req.Cmp(r.lim) > 0 {
					p.report(a.At("workload.resources.requests."+r.name), "%s requests %s of %s in %s, above its limit of %s",
						a.Name, r.req.String(), r.name, env.Name, r.lim.String())
				}
			}
		}
	}
}
