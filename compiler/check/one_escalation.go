package check

// oneEscalation refuses an environment in which nobody is asked, and one in which two policies say who.
func oneEscalation(p *pass) {
	for _, env := range p.Environments {
		first := ""
		for _, doc := range p.policiesIn(env) {
			switch {
			case !doc.Has("spec.escalation"): // not whether it could be read: the reader speaks of that
			case first == "":
				first = doc.File
			default:
				p.reportIn(env, in(doc, "spec.escalation"), "%s says already how humans are asked; leave it to one policy", first)
			}
		}
		if first == "" {
			p.report(env.From, "no reviewer policy says how humans are asked in %s; one of them needs spec.escalation", env.Name)
		}
	}
}
