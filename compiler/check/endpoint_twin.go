package check

import (
	"fmt"

	"agentc/schema"
)

// endpointTwin refuses a second name for an MCP server: an agent that may use the other one would reach the same port
// without the list of tools.
func endpointTwin(p *pass) {
	for _, env := range p.Environments {
		servers := map[string]schema.Ref{}
		for _, e := range env.Endpoints {
			if e.Type == "mcp" {
				servers[fmt.Sprintf("%s:%d", e.Host, e.Port)] = e.From
			}
		}
		for _, e := range env.Endpoints {
			first, ok := servers[fmt.Sprintf("%s:%d", e.Host, e.Port)]
			if ok && first != e.From {
				p.reportIn(env, at(e.From, "host"), "endpoint %s is the MCP server of another entry (%s), whose list of tools would not bind who reaches it by this name; keep one",
					e.Name, first.Position())
			}
		}
	}
}
