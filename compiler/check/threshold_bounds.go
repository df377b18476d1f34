package check

import (
	"fmt"

	"agentc/schema"
)

// thresholdBounds refuses an anomaly threshold outside the bounds that the reviewers set themselves, and bounds of a class outside the policy's:
// whatever happens at run time, no threshold leaves them. An override may be cut down by the bounds of a class that it reaches into; where no
// event is left for which it means what it says, it is refused.
func thresholdBounds(p *pass) {
	for _, doc := range p.Written.Policies {
		a := doc.Policy.Spec.Anomaly
		if a == nil || a.Bounds == nil || !p.interval(in(doc, "spec.anomaly"), a.Bounds) {
			continue
		}
		p.within(in(doc, "spec.anomaly.percentile"), a.Percentile, *a.Bounds, "")
		for i, c := range a.Classes {
			class := in(doc, "spec.anomaly.classes[%d]", i)
			bounds := *a.Bounds
			if c.Bounds != nil {
				if !p.interval(class, c.Bounds) {
					continue
				}
				p.within(at(class, "bounds.min"), c.Bounds.Min, bounds, "")
				p.within(at(class, "bounds.max"), c.Bounds.Max, bounds, "")
				bounds = *c.Bounds
			}
			p.within(at(class, "percentile"), c.Percentile, bounds, " of the class")
		}
		for i, o := range a.Overrides {
			p.overrideBounds(in(doc, "spec.anomaly.overrides[%d].percentile", i), o, a)
		}
	}
}

// interval says whether bounds are an interval, and reports them where they are not.
func (p *pass) interval(of schema.Ref, b *schema.Bounds) bool {
	if b.Min == nil || b.Max == nil {
		return false
	}
	if *b.Min > *b.Max {
		p.report(at(of, "bounds.min"), "the lowest threshold, %g, is above the highest, %g", *b.Min, *b.Max)
		return false
	}
	return true
}

func (p *pass) within(at schema.Ref, percentile *float64, b schema.Bounds, whose string) {
	if percentile != nil && outside(*percentile, b) {
		p.report(at, "percentile %g is outside the bounds%s, %g to %g; choose one within them", *percentile, whose, *b.Min, *b.Max)
	}
}

func outside(percentile float64, b schema.Bounds) bool {
	return percentile < *b.Min || percentile > *b.Max
}

// overrideBounds looks for one class into which an override reaches and whose bounds let it be.
func (p *pass) overrideBounds(at schema.Ref, o schema.Override, a *schema.Anomaly) {
	if o.Percentile == nil {
		return
	}
	if outside(*o.Percentile, *a.Bounds) {
		p.within(at, o.Percentile, *a.Bounds, "")
		return
	}
	cut := ""
	for _, c := range a.Classes {
		if c.Bounds == nil || c.Bounds.Min == nil || c.Bounds.Max == nil || !covers(c.EventMatch, o.EventMatch) {
			continue
		}
		if !outside(*o.Percentile, *c.Bounds) {
			return
		}
		cut = fmt.Sprintf("percentile %g is outside the bounds of class %s, %g to %g, which has all events of the override; choose one within them",
			*o.Percentile, c.ID, *c.Bounds.Min, *c.Bounds.Max)
	}
	if cut != "" {
		p.report(at, "%s", cut)
	}
}

// covers says whether every event that the narrow match means, the wide one means too.
func covers(wide, narrow schema.EventMatch) bool {
	for _, field := range [][2]string{{wide.Source, narrow.Source}, {wide.Priority, narrow.Priority}, {wide.Agent, narrow.Agent}, {wide.Namespace, narrow.Namespace}} {
		if field[0] != "" && field[0] != field[1] {
			return false
		}
	}
	return true
}
