package check

import "slices"

// unknownIntake refuses a threshold for events of an intake that does not exist: it would silently never hold.
func unknownIntake(p *pass) {
	var known []string
	for _, x := range p.platform().Platform.Spec.Intake {
		known = append(known, x.Name)
	}
	for _, doc := range p.Written.Policies {
		if doc.Policy.Spec.Anomaly == nil {
			continue
		}
		for i, c := range doc.Policy.Spec.Anomaly.Classes {
			if !slices.Contains(known, c.Source) {
				p.unknown(in(doc, "spec.anomaly.classes[%d].source", i), "intake", c.Source, known)
			}
		}
		for i, o := range doc.Policy.Spec.Anomaly.Overrides {
			if !slices.Contains(known, o.Source) {
				p.unknown(in(doc, "spec.anomaly.overrides[%d].source", i), "intake", o.Source, known)
			}
		}
	}
}
