package check

// endpointUnused warns of an endpoint that nobody reaches: a catalogue that has grown stale is trusted too easily.
func endpointUnused(p *pass) {
	used := map[string]bool{}
	for _, env := range p.Environments {
		for _, e := range env.Runtime.Endpoints {
			used[e.Name] = true
		}
		for _, a := range env.Agents {
			for _, u := range a.Uses {
				used[u.Endpoint.Name] = true
			}
		}
	}
	for i, e := range p.platform().Platform.Spec.Endpoints {
		if !used[e.Name] {
			p.report(in(p.platform(), "spec.endpoints[%d].name", i), "no agent reaches endpoint %q, and the runtime does not either; remove it", e.Name)
		}
	}
}
