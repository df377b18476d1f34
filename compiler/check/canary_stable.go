package check

// canaryStable refuses a canary that does not say what it returns to: admission would refuse the old image, and an aborted
// rollout could not go back.
func canaryStable(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if c := a.Workload.Canary; c != nil && c.Stable == "" {
				p.reportIn(env, a.At("workload.rollout.strategy"), "%s is a canary without a stable image; set workload.rollout.stable to the image that runs now",
					a.Name)
			}
		}
	}
}
