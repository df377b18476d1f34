package check

import (
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// ruleNeverMatters refuses a reviewer rule that can change no verdict: it matches no permitted call, or wherever it holds
// others of the same or a stricter verdict hold as well. A reader would believe in a protection that is not there, or in a
// permission that is.
//
// What a rule says depends on two values only, the confidence and the anomaly, and only on which side of the written bounds
// they lie. So one sample for each interval, and one for "not known", is all there is to try: the answer is exact.
func ruleNeverMatters(p *pass) {
	sets := ruleSets(p.Environments)
	dead := map[string]bool{}
	for _, r := range slices.Backward(rulesOf(p.Environments)) {
		matched, matters := false, false
		for _, set := range sets {
			if slices.ContainsFunc(set, func(o *model.Rule) bool { return o.ID == r.ID }) {
				matched = true
				matters = matters || mattersIn(set, r.ID, dead)
			}
		}
		switch {
		case !matched:
			p.report(at(r.From, "id"), "rule %q matches no call that the fleet permits; correct its match, or remove it", r.ID)
		case !matters:
			dead[r.ID] = true
			p.report(at(r.From, "id"), "rule %q can never matter: wherever it holds, rules of the same or a stricter verdict hold as well; remove it", r.ID)
		}
	}
}

// rulesOf lists the rules of all environments once, by id.
func rulesOf(envs []*model.Environment) []*model.Rule {
	byID := map[string]*model.Rule{}
	for _, env := range envs {
		for _, r := range env.Policy.Rules {
			byID[r.ID] = r
		}
	}
	var all []*model.Rule
	for _, r := range byID {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *model.Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// ruleSets lists the different sets of rules that calls are judged by; thousands of edges share a few.
func ruleSets(envs []*model.Environment) [][]*model.Rule {
	seen := map[string]bool{}
	var sets [][]*model.Rule
	for _, env := range envs {
		for _, a := range env.Agents {
			for _, edge := range a.Callers {
				for _, g := range edge.Grants {
					if key := setKey(g.Rules); !seen[key] {
						seen[key] = true
						sets = append(sets, g.Rules)
					}
				}
			}
		}
	}
	return sets
}

func setKey(rules []*model.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(r.ID)
		b.WriteByte(' ')
	}
	return b.String()
}

// mattersIn says whether some confidence and anomaly exist for which the rule is stricter than all others of the set.
func mattersIn(set []*model.Rule, id string, dead map[string]bool) bool {
	for _, confidence := range samples(set, func(w schema.When) *schema.Range { return w.Confidence }) {
		for _, anomaly := range samples(set, func(w schema.When) *schema.Range { return w.Anomaly }) {
			own, others := -1, -1
			for _, r := range set {
				switch s := says(r, confidence, anomaly); {
				case r.ID == id:
					own = s
				case !dead[r.ID]:
					others = max(others, s)
				}
			}
			if own > others {
				return true
			}
		}
	}
	return false
}

// value is a sample; nil stands for "not known".
type value *float64

// samples gives one value for each interval that the rules' bounds cut an axis into.
func samples(set []*model.Rule, axis func(schema.When) *schema.Range) []value {
	zero := 0.0
	all := []value{nil, &zero}
	for _, r := range set {
		if rg := axis(r.When); rg != nil {
			for _, bound := range []*float64{rg.AtLeast, rg.Below} {
				if bound != nil {
					all = append(all, bound)
				}
			}
		}
	}
	return all
}

// says is the severity of what a rule contributes: -1 nothing, else the index in schema.Verdicts. A condition on a value that
// is not known never executes, and escalates where the rule is stricter.
func says(r *model.Rule, confidence, anomaly value) int {
	c, a := holds(r.When.Confidence, confidence), holds(r.When.Anomaly, anomaly)
	severity := slices.Index(schema.Verdicts, r.Verdict)
	switch {
	case c == no || a == no:
		return -1
	case c == yes && a == yes:
		return severity
	case r.Verdict == "auto-execute":
		return -1
	default:
		return slices.Index(schema.Verdicts, "escalate")
	}
}

type answer int

const (
	no answer = iota
	unknown
	yes
)

func holds(r *schema.Range, v value) answer {
	switch {
	case r == nil:
		return yes
	case v == nil:
		return unknown
	case r.AtLeast != nil && *v < *r.AtLeast, r.Below != nil && *v >= *r.Below:
		return no
	default:
		return yes
	}
}
