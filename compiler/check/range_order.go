package check

import "agentc/schema"

// rangeOrder refuses a range that no value is in, and one that every value is in.
func rangeOrder(p *pass) {
	look := func(ref schema.Ref, r *schema.Range) {
		switch {
		case r == nil:
		case r.AtLeast == nil && r.Below == nil:
			p.report(ref, "the range has no end; set atLeast, below or both")
		case r.AtLeast != nil && r.Below != nil && *r.AtLeast >= *r.Below:
			p.report(ref, "no value is at least %g and below %g", *r.AtLeast, *r.Below)
		}
	}
	for _, doc := range p.Written.Policies {
		for i, r := range doc.Policy.Spec.Rules {
			look(in(doc, "spec.rules[%d].when.confidence", i), r.When.Confidence)
			look(in(doc, "spec.rules[%d].when.anomaly", i), r.When.Anomaly)
		}
	}
}
