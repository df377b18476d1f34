package check

import (
	"agentc/compiler/model"
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
			p.within(in(doc, "spec.anomaly.overrides[%d].percentile", i), o.Percentile, *a.Bounds, "")
		}
	}
	if len(p.problems) > 0 {
		return
	}
	for _, env := range p.Environments {
		p.cutOverrides(env)
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

// cutOverrides refuses overrides that a class's bounds cut down for every event: for those of the class that has all of the override's events, and
// for those of each more particular class that has some.
func (p *pass) cutOverrides(env *model.Environment) {
	a := env.Policy.Anomaly
	if a == nil {
		return
	}
	for i, o := range a.From.Doc.Policy.Spec.Anomaly.Overrides {
		for _, c := range a.Classes {
			if !meet(c.Match, o.EventMatch) {
				continue
			}
			if *o.Percentile >= c.Min && *o.Percentile <= c.Max {
				break
			}
			if covers(c.Match, o.EventMatch) {
				p.reportIn(env, in(a.From.Doc, "spec.anomaly.overrides[%d].percentile", i),
					"percentile %g is outside the bounds of class %s, %g to %g, to which all events of the override belong; choose one within them", *o.Percentile, c.ID, c.Min, c.Max)
				break
			}
		}
	}
}

// meet says whether an event can be meant by both.
func meet(one, other schema.EventMatch) bool {
	for _, field := range fields(one, other) {
		if field[0] != "" && field[1] != "" && field[0] != field[1] {
			return false
		}
	}
	return true
}

func fields(one, other schema.EventMatch) [][2]string {
	return [][2]string{{one.Source, other.Source}, {one.Priority, other.Priority}, {one.Agent, other.Agent}, {one.Namespace, other.Namespace}}
}

// covers says whether every event that the narrow match means, the wide one means too.
func covers(wide, narrow schema.EventMatch) bool {
	for _, field := range fields(wide, narrow) {
		if field[0] != "" && field[0] != field[1] {
			return false
		}
	}
	return true
}
