package emit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"agentc/compiler/model"
	"agentc/schema"
)

func TestJudge(t *testing.T) {
	at := func(r *schema.Range) schema.When { return schema.When{Confidence: r} }
	execute := &model.Rule{ID: "p/execute", Verdict: "auto-execute", When: at(&schema.Range{AtLeast: ptr(0.9)})}
	escalate := &model.Rule{ID: "p/escalate", Verdict: "escalate", When: at(&schema.Range{AtLeast: ptr(0.5), Below: ptr(0.9)})}
	reject := &model.Rule{ID: "p/reject", Verdict: "auto-reject", When: at(&schema.Range{Below: ptr(0.1)})}
	always := &model.Rule{ID: "p/always", Verdict: "auto-execute"}
	both := &model.Rule{ID: "p/both", Verdict: "auto-reject", When: schema.When{
		Confidence: &schema.Range{Below: ptr(0.5)}, Anomaly: &schema.Range{AtLeast: ptr(90.0)}}}
	for _, test := range []struct {
		rules []*model.Rule
		s     situation
		want  string
	}{
		{nil, situation{}, "escalate [no-rule]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.9)}, "auto-execute [p/execute]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.8999)}, "escalate [p/escalate]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.5)}, "escalate [p/escalate]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.3)}, "escalate [no-rule]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.1)}, "escalate [no-rule]"},
		{[]*model.Rule{execute, escalate, reject}, situation{confidence: ptr(0.0)}, "auto-reject [p/reject]"},
		{[]*model.Rule{execute, escalate, reject}, situation{}, "escalate [p/escalate p/reject]"},
		{[]*model.Rule{execute}, situation{}, "escalate [no-rule]"},
		{[]*model.Rule{always, reject}, situation{}, "escalate [p/reject]"},
		{[]*model.Rule{always, reject}, situation{confidence: ptr(0.2)}, "auto-execute [p/always]"},
		{[]*model.Rule{always, both}, situation{confidence: ptr(0.5)}, "auto-execute [p/always]"},
		{[]*model.Rule{always, both}, situation{anomaly: ptr(89.9)}, "auto-execute [p/always]"},
		{[]*model.Rule{always, both}, situation{anomaly: ptr(90.0)}, "escalate [p/both]"},
		{[]*model.Rule{always, both}, situation{ptr(0.4), ptr(90.0)}, "auto-reject [p/both]"},
	} {
		r := judge(test.s, &model.Grant{Rules: test.rules})
		if got := fmt.Sprint(r.verdict, " ", r.rules); got != test.want {
			t.Errorf("rules %v, confidence %v, anomaly %v: got %s, want %s", ruleIDs(&model.Grant{Rules: test.rules}),
				knownOr(test.s.confidence, -1), knownOr(test.s.anomaly, -1), got, test.want)
		}
	}
}

// TestReferenceEqualsRego asks both of random rules, in every cell into which the rules cut the two scales, for each skill
// and for a call that names none.
func TestReferenceEqualsRego(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	l := load(t, archiveOf(t, emitDecision(t, decisionEnv())))
	cells := 0
	for range 60 {
		env := randomEnv(random)
		l.data = map[string]any{"agentc": generic(t, bundleDataOf(env))}
		ask := l.ruled()
		edge := env.Agents[0].Callers[0]
		for _, c := range scaleValues(env.Policy.Rules, func(w schema.When) *schema.Range { return w.Confidence }) {
			for _, a := range scaleValues(env.Policy.Rules, func(w schema.When) *schema.Range { return w.Anomaly }) {
				s := situation{c, a}
				for _, g := range edge.Grants {
					sameRuling(t, ask, edge, g.Skill.ID, s, g)
				}
				sameRuling(t, ask, edge, "", s, edge.Grants...)
				cells++
			}
		}
	}
	if cells < 1000 {
		t.Errorf("only %d cells were tried", cells)
	}
}

func sameRuling(t *testing.T, ask func(any) ruling, e *model.Edge, skill string, s situation, grants ...*model.Grant) {
	t.Helper()
	context := map[string]any{}
	if s.confidence != nil {
		context["confidence"] = *s.confidence
	}
	if s.anomaly != nil {
		context["anomaly"] = map[string]any{"percentile": *s.anomaly}
	}
	got := ask(map[string]any{
		"subject": map[string]any{"type": "agent", "id": e.Caller.SPIFFE}, "action": map[string]any{"name": skill},
		"resource": map[string]any{"type": "agent", "id": e.Callee.Name}, "context": context,
	})
	if want := judge(s, grants...); got.verdict != want.verdict || !slices.Equal(got.rules, want.rules) {
		t.Errorf("skill %q in %v: Rego says %v, the reference %v", skill, context, got, want)
	}
}

// randomEnv is one edge that grants all of one to three skills, each with some of up to six random rules.
func randomEnv(random *rand.Rand) *model.Environment {
	env := decisionEnv()
	var rules []*model.Rule
	for i := range random.IntN(7) {
		r := &model.Rule{ID: fmt.Sprintf("p/r%d", i), Team: "soc", Reason: "r", Verdict: schema.Verdicts[random.IntN(3)], From: schema.Ref{Doc: env.From.Doc}}
		r.When.Confidence = randomRange(random, 1)
		r.When.Anomaly = randomRange(random, 100)
		rules = append(rules, r)
	}
	callee := decisionAgent(env, "callee")
	var grants []*model.Grant
	for i := range 1 + random.IntN(3) {
		s := &model.Skill{ID: fmt.Sprintf("s%d", i), Risk: schema.Risks[random.IntN(4)]}
		callee.Skills = append(callee.Skills, s)
		grants = append(grants, &model.Grant{Skill: s, Rules: slices.DeleteFunc(slices.Clone(rules), func(*model.Rule) bool { return random.IntN(3) == 0 })})
	}
	decisionEdge(decisionIdentity("caller", "soc-caller"), callee, true, grants...)
	env.Agents, env.Policy.Rules = []*model.Agent{callee}, rules
	return env
}

// randomRange is often none, and else has one or two ends on a coarse grid, so that ranges meet and overlap.
func randomRange(random *rand.Rand, scale float64) *schema.Range {
	low, high := random.IntN(10), random.IntN(10)+1
	switch random.IntN(5) {
	case 0:
		return &schema.Range{AtLeast: ptr(scale * float64(low) / 10)}
	case 1:
		return &schema.Range{Below: ptr(scale * float64(high) / 10)}
	case 2:
		return &schema.Range{AtLeast: ptr(scale * float64(min(low, high)) / 10), Below: ptr(scale * float64(max(low, high)) / 10)}
	}
	return nil
}
