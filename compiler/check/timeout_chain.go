package check

import (
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// timeoutChain refuses a caller that gives up before its callee is done, and an agent that may wait longer for an endpoint
// than it has itself. Work would be done for nobody, and done again.
func timeoutChain(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Agents {
			own := a.Workload.RequestTimeout
			for _, edge := range a.Calls {
				theirs := edge.Callee.Workload.RequestTimeout
				if theirs < own {
					continue
				}
				if circle := wayBack(edge); circle != nil {
					p.reportIn(env, edge.Requested, "%s: these agents call each other in a circle, in which no caller can wait longer than its callee; remove one of the calls",
						strings.Join(circle, " → "))
				} else {
					p.reportIn(env, nearest(a, edge.Requested, "workload.timeouts.request"),
						"%s may take %s and calls %s, which may take %s; a caller must wait longer than its callee may take: raise the first or lower the second",
						a.Name, schema.Duration(own), edge.Callee.Name, schema.Duration(theirs))
				}
			}
			for _, use := range a.Uses {
				if theirs := use.Endpoint.Timeout; theirs >= own {
					p.reportIn(env, nearest(a, use.From, "workload.timeouts.request"),
						"%s may take %s and reaches %s, which may take %s; an agent must wait longer than its endpoint may take: raise the first or lower the second",
						a.Name, schema.Duration(own), use.Endpoint.Name, schema.Duration(theirs))
				}
			}
		}
	}
}

// wayBack is the shortest circle that begins with an edge, by name, or nil.
func wayBack(edge *model.Edge) []string {
	caller := edge.CallerAgent
	from := map[*model.Agent]*model.Agent{edge.Callee: caller}
	for next := []*model.Agent{edge.Callee}; len(next) > 0; next = next[1:] {
		for _, e := range next[0].Calls {
			if e.Callee == caller {
				return append(path(from, caller, next[0]), caller.Name)
			}
			if from[e.Callee] == nil {
				from[e.Callee] = next[0]
				next = append(next, e.Callee)
			}
		}
	}
	return nil
}

// path is the way that led from first to last.
func path(from map[*model.Agent]*model.Agent, first, last *model.Agent) []string {
	if last == first {
		return []string{first.Name}
	}
	return append(path(from, first, from[last]), last.Name)
}
