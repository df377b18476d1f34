package check

import (
	"slices"

	"agentc/schema"
)

// unknownTool refuses a tool that the catalogue does not pin for its MCP server.
func unknownTool(p *pass) {
	tools := map[string][]string{} // of MCP servers: endpoint-type speaks of the others
	for _, e := range p.platform().Platform.Spec.Endpoints {
		if e.Type == "mcp" {
			tools[e.Name] = toolNames(e)
		}
	}
	for _, doc := range p.Written.Agents {
		for i, u := range doc.Agent.Spec.Endpoints {
			for j, t := range u.Tools {
				if known := tools[u.Name]; known != nil && !slices.Contains(known, t) {
					p.unknown(in(doc, "spec.endpoints[%d].tools[%d]", i, j), "tool of "+u.Name, t, known)
				}
			}
		}
	}
}

func toolNames(e schema.Endpoint) []string {
	names := []string{}
	for _, t := range e.Tools {
		names = append(names, t.Name)
	}
	return names
}
