package emit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// selfTestData is selftest.json, one vector a line: questions with the answers that a loader must get before it uses the bundle. OPA itself does
// not read it.
//
// Its size is linear in edges and rules. Each skill of an edge is asked once for each verdict that it can get; the boundaries
// of rules are asked once for each list of rules, since skills with equal lists behave alike. Of what nobody may ask there are
// samples: beside each edge, a skill that it does not grant and a call without a skill; for each agent, strangers.
type selfTestData struct {
	Format  int      `json:"format"`
	Vectors []vector `json:"vectors"`
}

// encode writes a line for each vector: short, and a review shows which calls changed.
func (s selfTestData) encode() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"format": %d, "vectors": [`, s.Format)
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for i, v := range s.Vectors {
		out.WriteString([]string{"\n", ","}[min(i, 1)])
		if err := enc.Encode(v); err != nil { // ends in a newline
			return nil, err
		}
	}
	out.WriteString("]}\n")
	return out.Bytes(), nil
}

// vector is one call in several circumstances. The input of a case is Input with the case's Context.
type vector struct {
	Name  string       `json:"name"`
	Input vectorInput  `json:"input"`
	Cases []vectorCase `json:"cases"`
}

type vectorInput struct {
	Subject  vectorEntity `json:"subject"`
	Action   vectorAction `json:"action"`
	Resource vectorEntity `json:"resource"`
}

type vectorEntity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type vectorAction struct {
	Name string `json:"name,omitempty"` // missing: the call names no skill
}

// vectorCase holds either Verdict and Rules, the exact answer, or AtLeast: where users' Rego takes part, only the mildest
// verdict that is possible is known without asking the engine that is under test.
type vectorCase struct {
	Context vectorContext `json:"context"`
	Verdict string        `json:"verdict,omitempty"`
	Rules   []string      `json:"rules,omitempty"`
	AtLeast string        `json:"atLeast,omitempty"`
}

type vectorContext struct {
	Confidence *float64       `json:"confidence,omitempty"`
	Anomaly    *vectorAnomaly `json:"anomaly,omitempty"`
}

type vectorAnomaly struct {
	Percentile float64 `json:"percentile"`
}

// What no spec can name.
const (
	strangeSkill = "no such skill"
	strangeAgent = "no such agent"
)

// vectors collects the vectors of one environment.
type vectors struct {
	env   *model.Environment
	all   []vector
	known map[string]*ruleList
}

func selfTestOf(env *model.Environment) selfTestData {
	v := &vectors{env: env, known: map[string]*ruleList{}}
	v.refused("unknown agent", env.System.SPIFFE, strangeAgent, strangeSkill, "no-edge")
	for _, a := range env.Agents {
		v.agent(a)
	}
	return selfTestData{Format: bundleFormat, Vectors: v.all}
}

func (v *vectors) agent(a *model.Agent) {
	if len(a.Skills) > 0 {
		v.refused(a.Name+" calls itself", a.SPIFFE, a.Name, a.Skills[0].ID, "no-edge")
	}
	for i, e := range a.Callers {
		if i == 0 {
			v.strangers(e)
		}
		v.edge(e)
	}
}

// strangers are calls beside an edge: for a skill that nobody offers, and by a caller of the same name in another trust domain.
func (v *vectors) strangers(e *model.Edge) {
	v.refused("unknown skill of "+e.Callee.Name, e.Caller.SPIFFE, e.Callee.Name, strangeSkill, "no-edge")
	elsewhere := strings.Replace(e.Caller.SPIFFE, "spiffe://", "spiffe://elsewhere.", 1)
	v.refused(e.Callee.Name+" called from another trust domain", elsewhere, e.Callee.Name, e.Grants[0].Skill.ID, "no-edge")
}

func (v *vectors) edge(e *model.Edge) {
	name := e.Caller.Name + " -> " + e.Callee.Name
	for _, g := range e.Grants {
		v.granted(name+"/"+g.Skill.ID, e, g)
	}
	if s := notGranted(e); s != nil {
		v.refused(name+"/"+s.ID, e.Caller.SPIFFE, e.Callee.Name, s.ID, "no-edge")
	}
	if !e.AllSkills {
		v.refused(name+", no skill", e.Caller.SPIFFE, e.Callee.Name, "", "no-skill")
		return
	}
	v.add(name+", no skill", e.Caller.SPIFFE, e.Callee.Name, "", v.caseOf(situation{}, e.Grants...))
}

// notGranted is a skill of the callee that the edge does not grant, if there is one.
func notGranted(e *model.Edge) *model.Skill {
	for _, s := range e.Callee.Skills {
		if !slices.ContainsFunc(e.Grants, func(g *model.Grant) bool { return g.Skill.ID == s.ID }) {
			return s
		}
	}
	return nil
}

func (v *vectors) refused(name, caller, callee, skill, rule string) {
	v.add(name, caller, callee, skill, vectorCase{Verdict: "auto-reject", Rules: []string{rule}})
}

func (v *vectors) granted(name string, e *model.Edge, g *model.Grant) {
	key := strings.Join(ruleIDs(g), " ")
	list, seen := v.known[key]
	if !seen {
		list = newRuleList(g)
		v.known[key] = list
	}
	asked := list.verdicts
	if !seen {
		asked = uniqueSituations(slices.Concat(asked, list.boundaries))
	}
	var cases []vectorCase
	for _, s := range asked {
		cases = append(cases, v.caseOf(s, g))
	}
	v.add(name, e.Caller.SPIFFE, e.Callee.Name, g.Skill.ID, cases...)
}

func (v *vectors) caseOf(s situation, grants ...*model.Grant) vectorCase {
	c := vectorCase{Context: vectorContext{Confidence: s.confidence}}
	if s.anomaly != nil {
		c.Context.Anomaly = &vectorAnomaly{Percentile: *s.anomaly}
	}
	r := judge(s, grants...)
	if len(v.env.Policy.Rego) > 0 {
		c.AtLeast = r.verdict
		return c
	}
	c.Verdict, c.Rules = r.verdict, r.rules
	return c
}

func (v *vectors) add(name, caller, callee, skill string, cases ...vectorCase) {
	v.all = append(v.all, vector{Name: name, Cases: cases, Input: vectorInput{
		Subject: vectorEntity{Type: "agent", ID: caller}, Action: vectorAction{Name: skill}, Resource: vectorEntity{Type: "agent", ID: callee},
	}})
}

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
