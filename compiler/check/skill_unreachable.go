package check

// skillUnreachable warns of a skill that nobody may call.
func skillUnreachable(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			callable := map[string]bool{}
			for _, edge := range a.Callers {
				for _, g := range edge.Grants {
					callable[g.Skill.ID] = true
				}
			}
			for _, s := range a.Skills {
				if s.ID != "" && !callable[s.ID] {
					p.report(at(s.From, "id"), "nobody may call %s of %s; accept it from a caller that requests it, or remove it", s.ID, a.Name)
				}
			}
		}
	}
}
