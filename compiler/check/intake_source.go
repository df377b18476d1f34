package check

import (
	"slices"

	"agentc/schema"
)

// intakeSource refuses an intake that nothing says the events of, or two things; and one whose events, handed on by a topic, would
// come back or be read by nobody.
func intakeSource(p *pass) {
	doc := p.platform()
	for i, x := range doc.Platform.Spec.Intake {
		ref := in(doc, "spec.intake[%d]", i)
		read, located, posted := doc.Has(at(ref, "endpoint").Path), doc.Has(at(ref, "topic").Path), x.Client != nil
		switch {
		case posted && (read || located):
			p.report(at(ref, "client"), "intake %q is read from a topic and posted by a client; make two intakes of it", x.Name)
		case !posted && !read && !located:
			p.report(ref, "nothing says where the events of intake %q come from; set endpoint and topic, or client", x.Name)
		case read && !located:
			p.report(at(ref, "endpoint"), "nothing says which topic of %s intake %q reads; set topic", x.Endpoint, x.Name)
		case located && !read:
			p.report(at(ref, "topic"), "nothing says of which endpoint %q is a topic; set endpoint", x.Topic)
		}
		if x.Forward != nil {
			intakeForward(p, at(ref, "forward"), &x)
		}
	}
}

func intakeForward(p *pass, ref schema.Ref, x *schema.Intake) {
	for _, other := range p.platform().Platform.Spec.Intake {
		if other.Endpoint == x.Forward.Endpoint && other.Topic == x.Forward.Topic {
			p.report(ref, "intake %q reads %s of %s, so what is handed on there would come back; choose another topic", other.Name, x.Forward.Topic, x.Forward.Endpoint)
			return
		}
	}
	for _, doc := range p.Written.Agents {
		reads := slices.ContainsFunc(doc.Agent.Spec.Endpoints, func(u schema.EndpointUse) bool { return u.Name == x.Forward.Endpoint })
		if doc.Agent.Metadata.Name == x.To && !reads && slices.Contains(p.endpointNames(), x.Forward.Endpoint) {
			p.report(ref, "%s does not reach %s, and would never read the events; add it to spec.endpoints of the agent, or leave forward out", x.To, x.Forward.Endpoint)
		}
	}
}
