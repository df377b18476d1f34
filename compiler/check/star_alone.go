package check

import (
	"slices"

	"agentc/schema"
)

// starAlone refuses `*` beside named skills: a reader of the list would believe that the names bound it.
func starAlone(p *pass) {
	look := func(ref schema.Ref, skills []string) {
		if star := slices.Index(skills, "*"); star >= 0 && len(skills) > 1 {
			p.report(at(ref, "skills[%d]", star), "`*` stands for all skills, those to come included; leave it alone in the list, or name the skills")
		}
	}
	for _, doc := range p.Written.Agents {
		for i, r := range doc.Agent.Spec.Requests {
			look(in(doc, "spec.requests[%d]", i), r.Skills)
		}
		for i, a := range doc.Agent.Spec.Accepts {
			look(in(doc, "spec.accepts[%d]", i), a.Skills)
		}
	}
}
