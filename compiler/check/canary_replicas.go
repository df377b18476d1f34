package check

// canaryReplicas refuses a canary of one pod: there is no share of one.
func canaryReplicas(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if a.Workload.Canary != nil && a.Workload.MinReplicas < 2 {
				p.report(a.At("workload.replicas.min"), "%s is a canary in %s with %d pod; it needs two at least",
					a.Name, env.Name, a.Workload.MinReplicas)
			}
		}
	}
}
