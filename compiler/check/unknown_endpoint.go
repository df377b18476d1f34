package check

import (
	"slices"

	"agentc/schema"
)

// unknownEndpoint refuses an endpoint that the platform's catalogue does not hold.
func unknownEndpoint(p *pass) {
	known := p.endpointNames()
	look := func(ref schema.Ref, name string) {
		if name != "" && !slices.Contains(known, name) {
			p.unknown(ref, "endpoint", name, known)
		}
	}
	for _, doc := range p.Written.Agents {
		for i, u := range doc.Agent.Spec.Endpoints {
			look(in(doc, "spec.endpoints[%d].name", i), u.Name)
		}
	}
	for _, doc := range p.Written.Policies {
		if e := doc.Policy.Spec.Escalation; e != nil {
			for i, r := range e.Routes {
				look(in(doc, "spec.escalation.routes[%d].endpoint", i), r.Endpoint)
			}
		}
	}
	doc := p.platform()
	spec := &doc.Platform.Spec
	for i, name := range spec.Runtime.Endpoints {
		look(in(doc, "spec.runtime.endpoints[%d]", i), name)
	}
	look(in(doc, "spec.runtime.database"), spec.Runtime.Database)
	for i, x := range spec.Intake {
		look(in(doc, "spec.intake[%d].endpoint", i), x.Endpoint)
		if x.Forward != nil {
			look(in(doc, "spec.intake[%d].forward.endpoint", i), x.Forward.Endpoint)
		}
	}
	for i, a := range spec.Actuators {
		look(in(doc, "spec.actuators[%d].endpoint", i), a.Endpoint)
	}
	for i, env := range spec.Environments {
		look(in(doc, "spec.environments[%d].bundle.endpoint", i), env.Bundle.Endpoint)
		for name := range env.Endpoints {
			look(in(doc, "spec.environments[%d].endpoints.%s", i, name), name)
		}
	}
}
