package check

import (
	"time"

	"agentc/compiler/model"
)

// probeOrder refuses a probe whose next question is asked before the last one failed, and a start that may take longer than
// the rollout waits for it: the rollout would count as failed while its pods are still allowed to start.
func probeOrder(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			w := &a.Workload
			for _, q := range []struct {
				name  string
				probe model.Probe
			}{{"startup", w.Startup}, {"readiness", w.Readiness}, {"liveness", w.Liveness}} {
				if q.probe.Timeout > q.probe.Period {
					p.reportIn(env, a.At("workload.restart."+q.name+".timeout"), "%s is asked every %s whether it is alive and has %s to answer; the timeout must not exceed the period",
						a.Name, q.probe.Period, q.probe.Timeout)
				}
			}
			if start := w.Startup.Period * time.Duration(w.Startup.Failures); start > w.ProgressDeadline {
				p.reportIn(env, a.At("workload.restart.progressDeadline"), "%s may take %s to start (startup period times failures), and its rollout fails after %s; raise progressDeadline or lower failures",
					a.Name, start, w.ProgressDeadline)
			}
		}
	}
}
