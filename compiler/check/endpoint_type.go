package check

import "agentc/schema"

// endpointType refuses an endpoint where another type is needed, and tools where there are none to name.
func endpointType(p *pass) {
	types := map[string]string{}
	doc := p.platform()
	spec := &doc.Platform.Spec
	for i, e := range spec.Endpoints {
		types[e.Name] = e.Type
		if e.Type != "" && e.Type != "mcp" && len(e.Tools) > 0 {
			p.report(in(doc, "spec.endpoints[%d].tools", i), "endpoint %q is of type %s; only an mcp endpoint has tools", e.Name, e.Type)
		}
	}
	want := func(ref schema.Ref, name, kind, what string) {
		if have := types[name]; have != "" && have != kind {
			p.report(ref, "%s needs an endpoint of type %s; %q is of type %s", what, kind, name, have)
		}
	}
	want(in(doc, "spec.runtime.database"), spec.Runtime.Database, "postgres", "a database")
	for i, x := range spec.Intake {
		want(in(doc, "spec.intake[%d].endpoint", i), x.Endpoint, "kafka", "an intake")
		if x.Forward != nil {
			want(in(doc, "spec.intake[%d].forward.endpoint", i), x.Forward.Endpoint, "kafka", "what an intake hands on")
		}
	}
	for i, a := range spec.Actuators {
		want(in(doc, "spec.actuators[%d].endpoint", i), a.Endpoint, "mcp", "an actuator")
	}
	for i, env := range spec.Environments {
		want(in(doc, "spec.environments[%d].bundle.endpoint", i), env.Bundle.Endpoint, "service", "a bundle")
	}
	for _, doc := range p.Written.Policies {
		if e := doc.Policy.Spec.Escalation; e != nil {
			for i, r := range e.Routes {
				want(in(doc, "spec.escalation.routes[%d].endpoint", i), r.Endpoint, "mattermost", "a route")
			}
		}
	}
	for _, doc := range p.Written.Agents {
		for i, u := range doc.Agent.Spec.Endpoints {
			switch have := types[u.Name]; {
			case have == "mcp" && len(u.Tools) == 0:
				p.report(in(doc, "spec.endpoints[%d]", i), "%s names no tool of %s, so it may use none; list those that it needs in tools",
					doc.Agent.Metadata.Name, u.Name)
			case have == "postgres":
				p.report(in(doc, "spec.endpoints[%d].name", i), "endpoint %q is of type postgres, where agentd keeps what it asked people; no agent reaches it", u.Name)
			case have != "" && have != "mcp" && len(u.Tools) > 0:
				p.report(in(doc, "spec.endpoints[%d].tools", i), "endpoint %q is of type %s; only an mcp endpoint has tools", u.Name, have)
			}
		}
	}
}
