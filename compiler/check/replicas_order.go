package check

import "agentc/schema"

// replicasOrder refuses a minimum above the maximum.
func replicasOrder(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if w := &a.Workload; w.MinReplicas > w.MaxReplicas {
				p.reportIn(env, nearest(a, schema.Ref{Doc: a.Doc}, "workload.replicas.min", "workload.replicas.max"),
					"%s runs at least %d and at most %d pods; lower replicas.min or raise replicas.max", a.Name, w.MinReplicas, w.MaxReplicas)
			}
		}
	}
}
