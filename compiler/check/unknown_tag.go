package check

import (
	"slices"

	"agentc/schema"
)

// unknownTag warns of a tag that no skill has: a rule or a floor that was misspelt protects nothing. It is only a warning,
// since reviewers may speak of a tag before the first skill has it.
func unknownTag(p *pass) {
	known := p.tags()
	if len(known) == 0 {
		return // the first skill is still to come
	}
	look := func(ref schema.Ref, tags []string) {
		for i, tag := range tags {
			if !slices.Contains(known, tag) {
				p.unknown(at(ref, "tags[%d]", i), "tag", tag, known)
			}
		}
	}
	for _, doc := range p.Written.Policies {
		for i, r := range doc.Policy.Spec.Rules {
			look(in(doc, "spec.rules[%d].match", i), r.Match.Tags)
		}
		for i, f := range doc.Policy.Spec.Floors {
			look(in(doc, "spec.floors[%d]", i), f.Tags)
		}
	}
}

// tags lists the tags of all skills.
func (p *pass) tags() []string {
	var tags []string
	for _, doc := range p.Written.Agents {
		for _, s := range doc.Agent.Spec.Card.Skills {
			tags = append(tags, s.Tags...)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
