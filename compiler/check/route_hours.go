package check

import (
	"slices"

	"agentc/schema"
)

// routeHours refuses hours that never come, and routes that lead outside of their hours only to each other: at some time of the week nobody would be
// asked.
func routeHours(p *pass) {
	for _, doc := range p.Written.Policies {
		e := doc.Policy.Spec.Escalation
		if e == nil {
			continue
		}
		told := map[string]bool{} // routes of a circle that was spoken of
		for i, r := range e.Routes {
			if r.Hours == nil {
				continue
			}
			if from, until := r.Hours.From, r.Hours.Until; from != nil && until != nil && *from >= *until {
				p.report(in(doc, "spec.escalation.routes[%d].hours.until", i), "the hours of route %q end at %d, before they begin at %d; hours are of one day, and a night is the route that otherwise leads to",
					r.Name, *until, *from)
			}
			circle := circleFrom(e.Routes, r.Name)
			if circle == nil || told[r.Name] {
				continue
			}
			for _, name := range circle {
				told[name] = true
			}
			p.report(in(doc, "spec.escalation.routes[%d].hours.otherwise", i), "outside of their hours %s lead to nobody else; one of them needs to be without hours, or to lead to a route that is",
				and(circle))
		}
	}
}

// circleFrom follows the routes that are taken outside of hours until one comes back to the first. It is nil where none does.
func circleFrom(routes []schema.Route, first string) []string {
	var circle []string
	for name := first; !slices.Contains(circle, name); {
		i := slices.IndexFunc(routes, func(r schema.Route) bool { return r.Name == name })
		if i < 0 || routes[i].Hours == nil {
			return nil
		}
		circle = append(circle, name)
		if name = routes[i].Hours.Otherwise; name == first {
			return circle
		}
	}
	return nil // it leads into a circle that it is no part of
}
