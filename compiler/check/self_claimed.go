package check

import (
	"slices"

	"agentc/schema"
)

// selfClaimed refuses a rule that executes on nothing but the caller's word. Confidence is what an agent says of itself; a
// model that was talked into something is also talked into being sure of it.
func selfClaimed(p *pass) {
	for _, doc := range p.Written.Policies {
		for i, r := range doc.Policy.Spec.Rules {
			if r.Verdict != "auto-execute" {
				continue
			}
			switch computed := bounds(r.When.Anomaly); {
			case r.When.Confidence != nil && !computed:
				p.report(in(doc, "spec.rules[%d].when.confidence", i),
					"rule %q executes on the caller's own word for its confidence; add a range of the anomaly, which is computed, or drop the condition", r.ID)
			case !computed && matchesAll(r.Match):
				p.report(in(doc, "spec.rules[%d].id", i), "rule %q executes everything; match skills, tags, risks or callers", r.ID)
			}
		}
	}
}

// matchesAll says whether a match leaves nothing out; a list of all the risks is a match on nothing.
func matchesAll(m schema.Match) bool {
	anyRisk := len(m.Risks) == 0 || !slices.ContainsFunc(schema.Risks, func(r string) bool { return !slices.Contains(m.Risks, r) })
	return len(m.Skills)+len(m.Tags)+len(m.Callers) == 0 && anyRisk
}

// bounds says whether a range leaves more than the very last percentile out. `atLeast: 0` is a condition on nothing.
func bounds(r *schema.Range) bool {
	return r != nil && (r.Below != nil && *r.Below < 100 || r.AtLeast != nil && *r.AtLeast > 0)
}
