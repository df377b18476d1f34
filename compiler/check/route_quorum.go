package check

import (
	"slices"

	"agentc/schema"
)

// routeQuorum refuses a route along which too few people can answer: whatever is asked there would be rejected when its lifetime is over.
func routeQuorum(p *pass) {
	for _, doc := range p.Written.Policies {
		e := doc.Policy.Spec.Escalation
		if e == nil {
			continue
		}
		for i, r := range e.Routes {
			quorum := 1
			if r.Quorum != nil {
				quorum = int(*r.Quorum)
			}
			if may := members(e, r); len(may) < quorum {
				p.report(in(doc, "spec.escalation.routes[%d].approvers", i), "route %q needs %d of %s to approve, and %s; put people into escalation.people",
					r.Name, quorum, and(r.Approvers), there(may))
			}
		}
	}
}

// members are the people of a route, each once.
func members(e *schema.Escalation, r schema.Route) []string {
	var names []string
	for _, person := range e.People {
		member := slices.ContainsFunc(person.Groups, func(group string) bool { return slices.Contains(r.Approvers, group) })
		if member && !slices.Contains(names, person.Name) {
			names = append(names, person.Name)
		}
	}
	return names
}

func there(names []string) string {
	if len(names) == 0 {
		return "nobody is there"
	}
	return "there is only " + list(names)
}
