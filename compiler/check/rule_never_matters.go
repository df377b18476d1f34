package check

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// ruleNeverMatters refuses a reviewer rule that can change no verdict: wherever it holds, others of the same or a stricter
// verdict hold as well. A reader would believe in a protection that is not there, or in a permission that is. Where the
// verdict is to escalate, who is asked counts too.
//
// What a rule says depends on two values only, the confidence and the anomaly, and only on which side of the written bounds
// they lie. So one sample for each interval, and one for "not known", is all there is to try: the answer is exact.
func ruleNeverMatters(p *pass) {
	judgements := judgementsOf(p.Environments)
	dead := map[string]bool{}
	for _, r := range slices.Backward(rulesOf(p.Environments)) {
		if r.Verdict == "" {
			continue // the reader speaks of it
		}
		if slices.ContainsFunc(judgements, func(j *judgement) bool { return j.needs(r.ID) }) {
			continue
		}
		dead[r.ID] = true
		var covers []string
		for _, j := range judgements {
			covers = append(covers, j.bury(r.ID, dead)...)
		}
		if len(covers) > 0 {
			slices.Sort(covers)
			p.report(at(r.From, "id"), "rule %q can never matter: wherever it holds, the same or a stricter verdict follows from %s; remove it, or correct its match",
				r.ID, list(slices.Compact(covers)))
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

// judgement is a set of rules that some call is judged by; thousands of edges share a few.
type judgement struct {
	rules      []*model.Rule
	escalation *model.Escalation
	cells      []cell
}

// cell is one sample of both values, with what the living rules say of it.
type cell struct {
	confidence, anomaly value
	strictest           outcome
	holders             int // how many of the rules say just that
}

func judgementsOf(envs []*model.Environment) []*judgement {
	var all []*judgement
	for _, env := range envs {
		seen := map[string]bool{}
		for _, a := range env.Agents {
			for _, edge := range a.Callers {
				for _, g := range edge.Grants {
					if key := setKey(g.Rules); !seen[key] {
						seen[key] = true
						j := &judgement{rules: g.Rules, escalation: &env.Policy.Escalation}
						j.sample()
						all = append(all, j)
					}
				}
			}
		}
	}
	return all
}

func setKey(rules []*model.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(r.ID)
		b.WriteByte(' ')
	}
	return b.String()
}

// sample asks every rule about every cell, once: the rest is counting, so that a policy of hundreds of rules is judged in the
// time that it takes to ask them.
func (j *judgement) sample() {
	for _, confidence := range samples(j.rules, func(w schema.When) *schema.Range { return w.Confidence }) {
		for _, anomaly := range samples(j.rules, func(w schema.When) *schema.Range { return w.Anomaly }) {
			c := cell{confidence: confidence, anomaly: anomaly}
			for _, r := range j.rules {
				switch said := j.says(r, confidence, anomaly); {
				case said == (outcome{}):
				case said == c.strictest:
					c.holders++
				case stricter(c.strictest, said) == said:
					c.strictest, c.holders = said, 1
				}
			}
			j.cells = append(j.cells, c)
		}
	}
}

// rule finds one of the rules by its id; nil if the judgement does not hold it.
func (j *judgement) rule(id string) *model.Rule {
	if i := slices.IndexFunc(j.rules, func(r *model.Rule) bool { return r.ID == id }); i >= 0 {
		return j.rules[i]
	}
	return nil
}

// needs says whether some confidence and anomaly exist for which the outcome is that rule's alone.
func (j *judgement) needs(id string) bool {
	r := j.rule(id)
	return r != nil && slices.ContainsFunc(j.cells, func(c cell) bool {
		return c.holders == 1 && j.says(r, c.confidence, c.anomaly) == c.strictest
	})
}

// bury takes a rule that is not needed out of the cells, and says which rules decide in its place: none where the judgement
// does not hold the rule.
func (j *judgement) bury(id string, dead map[string]bool) (covers []string) {
	r := j.rule(id)
	if r == nil {
		return nil
	}
	seen := map[string]bool{}
	for i := range j.cells {
		c := &j.cells[i]
		said := j.says(r, c.confidence, c.anomaly)
		if said == (outcome{}) {
			continue
		}
		if said == c.strictest {
			c.holders--
		}
		if len(seen) < maxCovers {
			seen[j.decider(dead, c.confidence, c.anomaly)] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// maxCovers bounds how many rules a message looks for; it lists fewer.
const maxCovers = 10

// decider is the living rule that gives the outcome of a cell.
func (j *judgement) decider(dead map[string]bool, confidence, anomaly value) (by string) {
	var all outcome
	for _, r := range j.rules {
		if dead[r.ID] {
			continue
		}
		if said := j.says(r, confidence, anomaly); stricter(all, said) != all {
			all, by = said, r.ID
		}
	}
	return by
}

// outcome is what rules say of a call: 0 nothing, else one more than the index in schema.Verdicts; and who is asked where
// they escalate. The zero value is that no rule holds.
type outcome struct {
	severity int
	quorum   int32
	route    string
}

// stricter is the outcome of two together. Of two routes it is the one with the higher quorum, then the first by name, as in
// policies/core.
func stricter(a, b outcome) outcome {
	if cmp.Or(cmp.Compare(a.severity, b.severity), cmp.Compare(a.quorum, b.quorum), cmp.Compare(b.route, a.route)) < 0 {
		return b
	}
	return a
}

// value is a sample; nil stands for "not known".
type value *float64

// samples gives one value for each interval that the rules' bounds cut an axis into.
func samples(rules []*model.Rule, axis func(schema.When) *schema.Range) []value {
	bounds := []float64{0}
	for _, r := range rules {
		if rg := axis(r.When); rg != nil {
			for _, bound := range []*float64{rg.AtLeast, rg.Below} {
				if bound != nil {
					bounds = append(bounds, *bound)
				}
			}
		}
	}
	slices.Sort(bounds)
	all := []value{nil}
	for _, b := range slices.Compact(bounds) {
		all = append(all, &b)
	}
	return all
}

// says is what one rule contributes. A condition on a value that is not known never executes, and escalates where the rule
// is stricter.
func (j *judgement) says(r *model.Rule, confidence, anomaly value) outcome {
	c, a := holds(r.When.Confidence, confidence), holds(r.When.Anomaly, anomaly)
	verdict := r.Verdict
	switch {
	case c == no || a == no:
		return outcome{}
	case c == yes && a == yes:
	case verdict == "auto-execute":
		return outcome{}
	default:
		verdict = "escalate"
	}
	said := outcome{severity: 1 + slices.Index(schema.Verdicts, verdict)}
	if verdict == "escalate" {
		said.route = cmp.Or(r.Route, j.escalation.Default)
		said.quorum = j.quorum(said.route)
	}
	return said
}

func (j *judgement) quorum(route string) int32 {
	for _, r := range j.escalation.Routes {
		if r.Name == route {
			return r.Quorum
		}
	}
	return 0
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
