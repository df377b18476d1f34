package check

// overrideAccountable refuses an exception that nobody answers for, that says no reason, or that never ends.
func overrideAccountable(p *pass) {
	for _, doc := range p.Written.Policies {
		a := doc.Policy.Spec.Anomaly
		if a == nil {
			continue
		}
		for i, o := range a.Overrides {
			for _, f := range []struct{ field, value, example string }{
				{"owner", o.Owner, "jo@soc.example"},
				{"reason", o.Reason, "penetration test of the web shop"},
				{"expires", o.Expires, "2027-03-31"},
			} {
				if f.value == "" {
					p.report(in(doc, "spec.anomaly.overrides[%d].id", i), "override %q has no %s; an exception needs owner, reason and expires, as in `%s: %s`",
						o.ID, f.field, f.field, f.example)
				}
			}
		}
	}
}
