package check

import (
	"time"

	"agentc/compiler/model"
)

// canaryUnanalysed refuses a canary that is over before its analysis can have failed: it would be promoted whatever happens.
func canaryUnanalysed(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			c := a.Workload.Canary
			if c == nil || len(c.Steps) == 0 {
				continue
			}
			var watched time.Duration
			for _, s := range c.Steps {
				watched += time.Duration(s.Pause)
			}
			if watched < model.CanaryVerdict {
				p.reportIn(env, a.At("workload.rollout.steps"), "%s is watched for %v before all pods run the new version, and a failure shows after %v; let the pauses add up to that",
					a.Name, watched, model.CanaryVerdict)
			}
		}
	}
}
