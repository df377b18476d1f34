package emit

import (
	"slices"

	"agentc/compiler/model"
	"agentc/schema"
)

// The reference: what DESIGN says of verdicts, in Go, for the self-test that every bundle carries. It knows the compiled
// rules and not the users' Rego, which can only make a verdict stricter. Nothing decides by it.

// situation is what is known only at run time; nil is unknown.
type situation struct{ confidence, anomaly *float64 }

// ruling is a verdict and the ids of the rules that led to it, sorted.
type ruling struct {
	verdict string
	rules   []string
}

// truth has three values; their order makes `and` the lesser of two.
type truth int

const (
	untrue truth = iota
	unknown
	satisfied
)

// judge is the verdict over everything that a call would use: the strictest finding of all. A grant of which no rule
// speaks escalates.
func judge(s situation, grants ...*model.Grant) ruling {
	var worst ruling
	find := func(verdict, rule string) {
		switch level, current := severity(verdict), severity(worst.verdict); {
		case level > current:
			worst = ruling{verdict, []string{rule}}
		case level == current:
			worst.rules = append(worst.rules, rule)
		}
	}
	for _, g := range grants {
		spoken := false
		for _, r := range g.Rules {
			if verdict := says(r, s); verdict != "" {
				find(verdict, r.ID)
				spoken = true
			}
		}
		if !spoken {
			find("escalate", "no-rule")
		}
	}
	slices.Sort(worst.rules)
	worst.rules = slices.Compact(worst.rules)
	return worst
}

// severity orders verdicts; none at all is the least.
func severity(verdict string) int { return slices.Index(schema.Verdicts, verdict) }

// says is the verdict that a rule gives, or nothing.
func says(r *model.Rule, s situation) string {
	switch holds(r.When, s) {
	case satisfied:
		return r.Verdict
	case unknown:
		if r.Verdict != "auto-execute" {
			return "escalate"
		}
	}
	return ""
}

func holds(w schema.When, s situation) truth {
	return min(insideRange(w.Confidence, s.confidence), insideRange(w.Anomaly, s.anomaly))
}

func insideRange(r *schema.Range, value *float64) truth {
	switch {
	case r == nil:
		return satisfied
	case value == nil:
		return unknown
	case r.AtLeast != nil && *value < *r.AtLeast, r.Below != nil && *value >= *r.Below:
		return untrue
	}
	return satisfied
}
