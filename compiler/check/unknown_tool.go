package check

import "slices"

// unknownTool refuses a tool that the catalogue does not pin for its MCP server.
func unknownTool(p *pass) {
	tools := map[string][]string{}
	for _, e := range p.platform().Platform.Spec.Endpoints {
		for _, t := range e.Tools {
			tools[e.Name] = append(tools[e.Name], t.Name)
		}
	}
	for _, doc := range p.Written.Agents {
		for i, u := range doc.Agent.Spec.Endpoints {
			for j, t := range u.Tools {
				if known := tools[u.Name]; len(known) > 0 && !slices.Contains(known, t) {
					p.unknown(in(doc, "spec.endpoints[%d].tools[%d]", i, j), "tool of "+u.Name, t, known)
				}
			}
		}
	}
}
