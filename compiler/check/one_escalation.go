package check

// oneEscalation refuses an environment in which nobody is asked, and one in which two policies say who.
func oneEscalation(p *pass) {
	for _, env := range p.Environments {
		first := ""
		for _, doc := range p.Written.Policies {
			if doc.Policy.Spec.Escalation == nil || !holdsIn(doc.Policy.Spec.Environments, env.Name) {
				continue
			}
			if first != "" {
				p.report(in(doc, "spec.escalation"), "%s says already how humans are asked in %s", first, env.Name)
			}
			first = doc.File
		}
		if first == "" {
			p.report(env.From, "no reviewer policy says how humans are asked in %s; one of them needs spec.escalation", env.Name)
		}
	}
}
