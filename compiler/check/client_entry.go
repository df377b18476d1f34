package check

// clientEntry refuses an agent that clients may ask and that may not start a trace: their calls carry none yet, and its guard
// would refuse them all.
func clientEntry(p *pass) {
	for _, doc := range p.Written.Agents {
		for i, a := range doc.Agent.Spec.Accepts {
			if p.client(a.From) != nil && !doc.Agent.Spec.Entry {
				p.report(in(doc, "spec.accepts[%d].from", i), "%s accepts calls of client %s, which carry no trace yet; set entry: true",
					doc.Agent.Metadata.Name, a.From)
			}
		}
	}
}
