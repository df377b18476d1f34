package check

// ruleUnmatched warns of a reviewer rule that matches no call: it may be misspelt, or its agent gone. It is only a warning,
// since reviewers may say what holds for a risk before the first skill has it.
func ruleUnmatched(p *pass) {
	matched := map[string]bool{}
	judgements := judgementsOf(p.Environments)
	if len(judgements) == 0 {
		return // the first edge is still to come
	}
	for _, j := range judgements {
		for _, r := range j.rules {
			matched[r.ID] = true
		}
	}
	for _, r := range rulesOf(p.Environments) {
		if !matched[r.ID] {
			p.report(at(r.From, "id"), "rule %q matches no call that the fleet permits; correct its match, or remove it", r.ID)
		}
	}
}
