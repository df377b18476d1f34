package check

// timeoutChain refuses a caller that gives up before its callee is done, and an agent that may wait longer for an endpoint
// than it has itself. Work would be done for nobody, and done again.
func timeoutChain(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			own := a.Workload.RequestTimeout
			for _, edge := range a.Calls {
				if theirs := edge.Callee.Workload.RequestTimeout; theirs >= own {
					p.report(a.At("workload.timeouts.request"), "%s may take %s in %s and calls %s, which may take %s; a caller must wait longer than its callee may take",
						a.Name, own, env.Name, edge.Callee.Name, theirs)
				}
			}
			for _, use := range a.Uses {
				if theirs := use.Endpoint.Timeout; theirs >= own {
					p.report(a.At("workload.timeouts.request"), "%s may take %s in %s and reaches %s, which may take %s; an agent must wait longer than its endpoint may take",
						a.Name, own, env.Name, use.Endpoint.Name, theirs)
				}
			}
		}
	}
}
