package check

import "agentc/forest/events"

// feature refuses one that turns an event into no number, or says twice how: a forest could not be trained with it.
func feature(p *pass) {
	for _, doc := range p.Written.Features {
		for _, wrong := range events.Check(&doc.Features.Spec) {
			p.report(in(doc, "spec.features[%d]", wrong.Index), "%s", wrong.Message)
		}
	}
}
