package check

import (
	"slices"

	"agentc/compiler/model"
	"agentc/schema"
)

// unknownRoute refuses an escalation route that leads to nobody in an environment where its rule holds.
func unknownRoute(p *pass) {
	for _, env := range p.Environments {
		known := routeNames(p, env)
		if len(known) == 0 {
			continue // one-escalation speaks of it
		}
		look := func(ref schema.Ref, name string) {
			if !slices.Contains(known, name) {
				p.unknownIn(env, ref, "route", name, known)
			}
		}
		for _, doc := range p.policiesIn(env) {
			if e := doc.Policy.Spec.Escalation; e != nil {
				look(in(doc, "spec.escalation.default"), e.Default)
				for i, r := range e.Routes {
					if r.Hours != nil {
						look(in(doc, "spec.escalation.routes[%d].hours.otherwise", i), r.Hours.Otherwise)
					}
				}
			}
			for i, r := range doc.Policy.Spec.Rules {
				look(in(doc, "spec.rules[%d].route", i), r.Route)
			}
		}
	}
}

func routeNames(p *pass, env *model.Environment) []string {
	var names []string
	for _, doc := range p.policiesIn(env) {
		if e := doc.Policy.Spec.Escalation; e != nil {
			for _, r := range e.Routes {
				names = append(names, r.Name)
			}
		}
	}
	return names
}
