package check

// uncoveredRisk refuses a call of high or critical risk that no reviewer rule speaks of. It would be escalated anyway, but by
// default and not because anybody thought about it.
func uncoveredRisk(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			for _, edge := range a.Callers {
				for _, g := range edge.Grants {
					if rank(g.Skill.Risk) >= rank("high") && len(g.Rules) == 0 {
						p.reportIn(env, at(g.Skill.From, "risk"), "%s of %s has %s risk, and no reviewer rule speaks of it when %s calls; the reviewers add one in policies/",
							g.Skill.ID, a.Name, g.Skill.Risk, edge.Caller.Name)
					}
				}
			}
		}
	}
}
