package check

// canaryMetrics refuses a canary that nothing judges.
func canaryMetrics(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if a.Workload.Canary != nil && env.Peers.Prometheus == nil {
				p.reportIn(env, a.At("workload.rollout.strategy"), "%s is a canary, and the platform names no Prometheus to judge it by; set spec.peers.prometheus in %s",
					a.Name, p.platform().File)
			}
		}
	}
}
