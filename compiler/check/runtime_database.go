package check

// runtimeDatabase refuses several replicas that keep escalations apart: a person's answer would reach the one that did not ask. And a database that
// agentd could not log in to.
func runtimeDatabase(p *pass) {
	doc := p.platform()
	r := &doc.Platform.Spec.Runtime
	if r.Database == "" {
		if r.Replicas != nil && *r.Replicas > 1 {
			p.report(in(doc, "spec.runtime.replicas"), "%d replicas without a database would not know each other's escalations; name one in runtime.database, or run 1", *r.Replicas)
		}
		return
	}
	for i, e := range doc.Platform.Spec.Endpoints {
		if e.Name == r.Database && !doc.Has(in(doc, "spec.endpoints[%d].credential", i).Path) {
			p.report(in(doc, "spec.runtime.database"), "endpoint %q has no credential; its key holds the URI by which agentd connects", e.Name)
		}
	}
}
