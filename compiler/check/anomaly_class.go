package check

import (
	"slices"

	"agentc/compiler/model"
	"agentc/schema"
)

// anomalyClass refuses a class of events that can never count: that names nothing, that is another's twice, or that a floor hides. An override
// for events that pass in any case is as idle.
func anomalyClass(p *pass) {
	for _, doc := range p.Written.Policies {
		a := doc.Policy.Spec.Anomaly
		if a == nil {
			continue
		}
		p.unfedClasses(doc)
		seen := map[schema.EventMatch]string{}
		for i, c := range a.Classes {
			id := in(doc, "spec.anomaly.classes[%d].id", i)
			switch first, twice := seen[c.EventMatch]; {
			case c.ID == model.PolicyClass:
				p.report(id, "%q is the class of all events that belong to no other; choose another name", c.ID)
			case c.EventMatch == schema.EventMatch{}:
				p.report(id, "class %q names no events; name a source, a priority, an agent or a namespace, or set spec.anomaly.percentile for all", c.ID)
			case twice:
				p.report(id, "class %q means the events of class %q, so that one of them never counts", c.ID, first)
			case slices.Contains(a.Always, c.Priority):
				p.report(id, "events of priority %s are always passed on, so that class %q never counts", c.Priority, c.ID)
			}
			seen[c.EventMatch] = c.ID
		}
		for i, o := range a.Overrides {
			if slices.Contains(a.Always, o.Priority) {
				p.report(in(doc, "spec.anomaly.overrides[%d].id", i), "events of priority %s are always passed on, so that override %q never counts", o.Priority, o.ID)
			}
		}
	}
}

// unfedClasses are those of an agent to which no intake hands events, or not the one that they name.
func (p *pass) unfedClasses(doc *schema.Document) {
	intakes := p.platform().Platform.Spec.Intake
	for i, c := range doc.Policy.Spec.Anomaly.Classes {
		fed := slices.ContainsFunc(intakes, func(x schema.Intake) bool { return x.To == c.Agent && (c.Source == "" || c.Source == x.Name) })
		if c.Agent != "" && !fed && p.agents()[c.Agent] != nil {
			p.report(in(doc, "spec.anomaly.classes[%d].agent", i), "no intake hands %q events that class %q could have", c.Agent, c.ID)
		}
	}
}
