package check

import (
	"agentc/compiler/model"
	"agentc/schema"

	"k8s.io/apimachinery/pkg/api/resource"
)

// resourceOrder refuses a request above its limit, which the API server would refuse as well.
func resourceOrder(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			p.resourceOrder(env, a.Name, a.Workload.Resources, func(name string) schema.Ref {
				return nearest(a, schema.Ref{Doc: a.Doc}, "workload.resources.requests."+name, "workload.resources.limits."+name)
			})
		}
		r := env.Runtime
		p.resourceOrder(env, "agentd", r.Resources, func(name string) schema.Ref { return at(r.From, "resources.requests.%s", name) })
		p.resourceOrder(env, "the guard", r.GuardResources, func(name string) schema.Ref { return at(r.From, "guardResources.requests.%s", name) })
	}
}

func (p *pass) resourceOrder(env *model.Environment, who string, w model.Resources, where func(string) schema.Ref) {
	for _, r := range []struct {
		name     string
		req, lim resource.Quantity
	}{
		{"cpu", w.Requests.CPU, w.Limits.CPU},
		{"memory", w.Requests.Memory, w.Limits.Memory},
		{"ephemeralStorage", w.Requests.EphemeralStorage, w.Limits.EphemeralStorage},
	} {
		if !r.lim.IsZero() && r.req.Cmp(r.lim) > 0 {
			p.reportIn(env, where(r.name), "%s requests %s of %s, and its limit is %s; lower the request or raise the limit",
				who, r.req.String(), r.name, r.lim.String())
		}
	}
}
