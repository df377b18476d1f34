package check

// selfCall refuses an agent that calls itself over the network: the call needs no permission inside the process, and the
// edge would only give a stolen key more to do.
func selfCall(p *pass) {
	for _, doc := range p.Written.Agents {
		name := doc.Agent.Metadata.Name
		for i, r := range doc.Agent.Spec.Requests {
			if r.To == name {
				p.report(in(doc, "spec.requests[%d].to", i), "%s requests a skill of itself; remove it", name)
			}
		}
		for i, a := range doc.Agent.Spec.Accepts {
			if a.From == name {
				p.report(in(doc, "spec.accepts[%d].from", i), "%s accepts calls from itself; remove it", name)
			}
		}
	}
}
