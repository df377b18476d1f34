package check

import "agentc/schema"

// thresholdBounds refuses an anomaly threshold outside the bounds that the reviewers set themselves.
func thresholdBounds(p *pass) {
	for _, doc := range p.Written.Policies {
		a := doc.Policy.Spec.Anomaly
		if a == nil || a.Bounds.Min == nil || a.Bounds.Max == nil {
			continue
		}
		low, high := *a.Bounds.Min, *a.Bounds.Max
		if low > high {
			p.report(in(doc, "spec.anomaly.bounds.min"), "the lowest threshold, %g, is above the highest, %g", low, high)
			continue
		}
		look := func(ref schema.Ref, percentile *float64) {
			if percentile != nil && (*percentile < low || *percentile > high) {
				p.report(ref, "percentile %g is outside the bounds, %g to %g; choose one within them", *percentile, low, high)
			}
		}
		look(in(doc, "spec.anomaly.percentile"), a.Percentile)
		for i, o := range a.Overrides {
			look(in(doc, "spec.anomaly.overrides[%d].percentile", i), o.Percentile)
		}
	}
}
