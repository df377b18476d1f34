package check

// replicasOrder refuses a minimum above the maximum.
func replicasOrder(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if w := &a.Workload; w.MinReplicas > w.MaxReplicas {
				p.report(a.At("workload.replicas.min"), "%s runs at least %d and at most %d pods in %s; raise max or lower min",
					a.Name, w.MinReplicas, w.MaxReplicas, env.Name)
			}
		}
	}
}
