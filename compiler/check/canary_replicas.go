package check

// canaryReplicas refuses a canary of one pod: there is no share of one.
func canaryReplicas(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if a.Workload.Canary != nil && a.Workload.MinReplicas < 2 {
				p.reportIn(env, a.At("workload.replicas.min"), "%s is a canary with %d pod; it needs two at least",
					a.Name, a.Workload.MinReplicas)
			}
		}
	}
}
