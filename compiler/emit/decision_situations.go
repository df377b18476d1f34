package emit

import (
	"cmp"
	"math"
	"slices"

	"agentc/compiler/model"
	"agentc/schema"
)

// ruleList is what there is to ask of a list of rules.
type ruleList struct {
	verdicts   []situation // one for each verdict that is possible; the first is that nothing is known
	boundaries []situation // both sides of each end of each rule's ranges, where the rule's other range is satisfied
}

func newRuleList(g *model.Grant) *ruleList {
	var list ruleList
	seen := map[string]bool{}
	confidences := scaleValues(g.Rules, func(w schema.When) *schema.Range { return w.Confidence })
	anomalies := scaleValues(g.Rules, func(w schema.When) *schema.Range { return w.Anomaly })
	for _, c := range confidences {
		for _, a := range anomalies {
			s := situation{c, a}
			if verdict := judge(s, g).verdict; !seen[verdict] {
				seen[verdict] = true
				list.verdicts = append(list.verdicts, s)
			}
		}
	}
	for _, r := range g.Rules {
		for _, c := range rangeEnds(r.When.Confidence) {
			list.boundaries = append(list.boundaries, situation{c, valueInside(r.When.Anomaly)})
		}
		for _, a := range rangeEnds(r.When.Anomaly) {
			list.boundaries = append(list.boundaries, situation{valueInside(r.When.Confidence), a})
		}
	}
	return &list
}

// scaleValues are one value for each interval into which the rules cut a scale, and first of all none.
func scaleValues(rules []*model.Rule, dimension func(schema.When) *schema.Range) []*float64 {
	var cuts []*float64
	for _, r := range rules {
		cuts = append(cuts, rangeEnds(dimension(r.When))...)
	}
	slices.SortFunc(cuts, func(a, b *float64) int { return cmp.Compare(*a, *b) })
	cuts = slices.CompactFunc(cuts, func(a, b *float64) bool { return *a == *b })
	return append([]*float64{nil}, cuts...)
}

// rangeEnds are the values on both sides of each end of a range, as far as they lie on the scale.
func rangeEnds(r *schema.Range) []*float64 {
	var all []*float64
	if r == nil {
		return nil
	}
	for _, end := range []*float64{r.AtLeast, r.Below} {
		if end == nil {
			continue
		}
		if *end > 0 {
			all = append(all, ptr(math.Nextafter(*end, 0)))
		}
		all = append(all, end)
	}
	return all
}

// valueInside is a value inside a range; none where there is no range.
func valueInside(r *schema.Range) *float64 {
	switch {
	case r == nil:
		return nil
	case r.AtLeast != nil:
		return r.AtLeast
	}
	return ptr(0.0)
}

// uniqueSituations drops what came before.
func uniqueSituations(all []situation) []situation {
	seen := map[[2]float64]bool{}
	var first []situation
	for _, s := range all {
		key := [2]float64{knownOr(s.confidence, -1), knownOr(s.anomaly, -1)}
		if !seen[key] {
			seen[key] = true
			first = append(first, s)
		}
	}
	return first
}

func knownOr(value *float64, otherwise float64) float64 {
	if value == nil {
		return otherwise
	}
	return *value
}
