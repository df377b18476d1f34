package check

import "slices"

// oneAnomaly refuses two policies that set the anomaly thresholds of one environment.
func oneAnomaly(p *pass) {
	for _, env := range p.Environments {
		first := ""
		for _, doc := range p.Written.Policies {
			if doc.Policy.Spec.Anomaly == nil || !holdsIn(doc.Policy.Spec.Environments, env.Name) {
				continue
			}
			if first != "" {
				p.report(in(doc, "spec.anomaly"), "%s sets the anomaly thresholds of %s already", first, env.Name)
			}
			first = doc.File
		}
	}
}

// holdsIn says whether a policy for these environments (none: all) holds in one.
func holdsIn(environments []string, env string) bool {
	return len(environments) == 0 || slices.Contains(environments, env)
}
