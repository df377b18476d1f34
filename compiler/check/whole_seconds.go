package check

import (
	"time"

	"agentc/compiler/model"
)

// wholeSeconds refuses fractions of a second where Kubernetes counts in seconds: it would be rounded without a word.
func wholeSeconds(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			w := &a.Workload
			durations := []struct {
				path string
				d    time.Duration
			}{
				{"workload.timeouts.shutdown", w.ShutdownTimeout},
				{"workload.restart.progressDeadline", w.ProgressDeadline},
			}
			for _, probe := range []struct {
				name  string
				probe model.Probe
			}{{"startup", w.Startup}, {"readiness", w.Readiness}, {"liveness", w.Liveness}} {
				path := "workload.restart." + probe.name
				durations = append(durations, []struct {
					path string
					d    time.Duration
				}{{path + ".period", probe.probe.Period}, {path + ".timeout", probe.probe.Timeout}}...)
			}
			for _, d := range durations {
				if d.d%time.Second != 0 {
					p.report(a.At(d.path), "%s is no whole number of seconds, and Kubernetes counts in seconds; write %s or %s",
						d.d, d.d.Truncate(time.Second), d.d.Truncate(time.Second)+time.Second)
				}
			}
		}
	}
}
