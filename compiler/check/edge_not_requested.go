package check

// edgeNotRequested warns of a permission that nobody asked for. It is only a warning, since two teams rarely merge on the
// same day: the callee's half may come first, and allows nothing by itself.
func edgeNotRequested(p *pass) {
	asked := map[[2]string][]string{} // by caller and callee
	for _, r := range p.requests() {
		edge := [2]string{r.caller, r.callee}
		asked[edge] = append(asked[edge], r.skill)
	}
	isCaller := setOf(p.callerNames())
	for _, doc := range p.Written.Agents {
		callee := doc.Agent.Metadata.Name
		for i, a := range doc.Agent.Spec.Accepts {
			if a.From == callee || a.From == "" || !isCaller[a.From] {
				continue
			}
			for j, s := range a.Skills {
				if offers(doc, s) && !agreed(s, asked[[2]string{a.From, callee}]) {
					p.report(in(doc, "spec.accepts[%d].skills[%d]", i, j), "%s does not request %q of %s; let it ask, or remove it here", a.From, s, callee)
				}
			}
		}
	}
}
