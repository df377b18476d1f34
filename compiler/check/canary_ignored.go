package check

// canaryIgnored warns of a canary's settings without a canary: a stable image, steps or an error rate that nothing looks at.
func canaryIgnored(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			if a.Workload.Canary != nil {
				continue
			}
			for _, path := range []string{"workload.rollout.stable", "workload.rollout.steps", "workload.rollout.maxErrorRate"} {
				// What stands in the platform's defaults is for those agents that are canaries.
				if ref := a.At(path); ref.Doc == a.Doc && ref.Path != "" {
					p.reportIn(env, ref, "%s is no canary, so nothing looks at this; set rollout.strategy: canary, or remove it", a.Name)
				}
			}
		}
	}
}
