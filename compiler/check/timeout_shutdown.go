package check

// timeoutShutdown refuses a shutdown that is shorter than a request: a rollout would cut requests off.
func timeoutShutdown(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if w := &a.Workload; w.ShutdownTimeout < w.RequestTimeout {
				p.report(a.At("workload.timeouts.shutdown"), "%s gets %s to stop in %s, and a request may take %s; raise timeouts.shutdown",
					a.Name, w.ShutdownTimeout, env.Name, w.RequestTimeout)
			}
		}
	}
}
