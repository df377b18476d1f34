package check

import "agentc/schema"

// selfClaimed refuses a rule that executes on nothing but the caller's word. Confidence is what an agent says of itself; a
// model that was talked into something is also talked into being sure of it.
func selfClaimed(p *pass) {
	for _, doc := range p.Written.Policies {
		for i, r := range doc.Policy.Spec.Rules {
			if r.Verdict != "auto-execute" {
				continue
			}
			switch {
			case r.When.Confidence != nil && r.When.Anomaly == nil:
				p.report(in(doc, "spec.rules[%d].when.confidence", i),
					"rule %q executes on the caller's own confidence alone; add an anomaly range, or drop the condition", r.ID)
			case r.When.Anomaly == nil && matchesAll(r.Match):
				p.report(in(doc, "spec.rules[%d].id", i), "rule %q executes everything; match skills, tags, risks or callers", r.ID)
			}
		}
	}
}

func matchesAll(m schema.Match) bool {
	return len(m.Skills)+len(m.Tags)+len(m.Risks)+len(m.Callers) == 0
}
