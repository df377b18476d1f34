package check

import "agentc/schema"

// edgeNotRequested warns of a permission that nobody asked for. It is only a warning, since two teams rarely merge on the
// same day: the callee's half may come first, and allows nothing by itself.
func edgeNotRequested(p *pass) {
	agents := p.agents()
	for _, doc := range p.Written.Agents {
		callee := doc.Agent.Metadata.Name
		for i, a := range doc.Agent.Spec.Accepts {
			var asked []string
			switch caller := agents[a.From]; {
			case a.From == callee:
				continue
			case a.From == runtimeName:
				asked = p.intakeSkills(callee)
			case caller == nil:
				continue
			default:
				asked = requestedOf(caller, callee)
			}
			for j, s := range a.Skills {
				if !agreed(s, asked) {
					p.report(in(doc, "spec.accepts[%d].skills[%d]", i, j), "%s does not request %q of %s; remove it, or let %s ask for it",
						a.From, s, callee, a.From)
				}
			}
		}
	}
}

func requestedOf(caller *schema.Document, callee string) []string {
	var skills []string
	for _, r := range caller.Agent.Spec.Requests {
		if r.To == callee {
			skills = append(skills, r.Skills...)
		}
	}
	return skills
}

// intakeSkills lists what agentd passes events to.
func (p *pass) intakeSkills(callee string) []string {
	var skills []string
	for _, x := range p.platform().Platform.Spec.Intake {
		if x.To == callee {
			skills = append(skills, x.Skill)
		}
	}
	return skills
}
