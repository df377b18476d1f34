package check

// overrideAccountable refuses an exception that nobody answers for, that says no reason, or that never ends.
func overrideAccountable(p *pass) {
	for _, doc := range p.Written.Policies {
		if doc.Policy.Spec.Anomaly == nil {
			continue
		}
		for i, o := range doc.Policy.Spec.Anomaly.Overrides {
			var missing []string
			for _, field := range []string{"owner", "reason", "expires"} {
				ref := in(doc, "spec.anomaly.overrides[%d].%s", i, field)
				if !doc.Has(ref.Path) || field == "reason" && o.Reason == "" {
					missing = append(missing, field)
				}
			}
			if len(missing) > 0 {
				p.report(in(doc, "spec.anomaly.overrides[%d].id", i),
					"override %q has no %s; an exception needs owner, reason and expires, as in {owner: jo@soc.example, reason: test of the web shop, expires: 2027-03-31}",
					o.ID, and(missing))
			}
		}
	}
}
