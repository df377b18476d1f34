package check

import (
	"slices"

	"agentc/schema"
)

// unknownRoute refuses an escalation route that leads to nobody.
func unknownRoute(p *pass) {
	var known []string
	for _, doc := range p.Written.Policies {
		if e := doc.Policy.Spec.Escalation; e != nil {
			for _, r := range e.Routes {
				known = append(known, r.Name)
			}
		}
	}
	look := func(ref schema.Ref, name string) {
		if name != "" && !slices.Contains(known, name) {
			p.unknown(ref, "route", name, known)
		}
	}
	for _, doc := range p.Written.Policies {
		if e := doc.Policy.Spec.Escalation; e != nil {
			look(in(doc, "spec.escalation.default"), e.Default)
		}
		for i, r := range doc.Policy.Spec.Rules {
			look(in(doc, "spec.rules[%d].route", i), r.Route)
		}
	}
}
