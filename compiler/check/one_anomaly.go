package check

// oneAnomaly refuses two policies that set the anomaly thresholds of one environment.
func oneAnomaly(p *pass) {
	for _, env := range p.Environments {
		first := ""
		for _, doc := range p.policiesIn(env) {
			switch {
			case doc.Policy.Spec.Anomaly == nil:
			case first == "":
				first = doc.File
			default:
				p.reportIn(env, in(doc, "spec.anomaly"), "%s sets the anomaly thresholds already; leave them to one policy", first)
			}
		}
	}
}
