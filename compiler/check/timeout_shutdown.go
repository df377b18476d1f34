package check

import "agentc/schema"

// timeoutShutdown refuses a shutdown that is shorter than a request: a rollout would cut requests off.
func timeoutShutdown(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if w := &a.Workload; w.ShutdownTimeout < w.RequestTimeout {
				p.reportIn(env, nearest(a, schema.Ref{Doc: a.Doc}, "workload.timeouts.shutdown", "workload.timeouts.request"),
					"%s gets %s to stop, and a request may take %s; raise timeouts.shutdown",
					a.Name, schema.Duration(w.ShutdownTimeout), schema.Duration(w.RequestTimeout))
			}
		}
	}
}
