package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"agentc/decision/bundle"
	"agentc/decision/fleet"
	"agentc/policies/core"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

var decisions = flag.Int("decisions", 20_000, "how many answers TestDifferential compares")

// TestDifferential: random fleets, random questions, also such as no compiler and no agent writes; the table says what stock OPA says of the shipped core.
func TestDifferential(t *testing.T) {
	const each = 250 // questions of a fleet
	seen, tabular, fleets := map[string]int{}, 0, 0
	for seed := uint64(1); tabular*each < *decisions; seed++ {
		r := random{rand.New(rand.NewPCG(seed, 6))}
		b := r.bundle()
		fleets++
		by, is := nativeOf(t, b)
		if !is {
			continue // all of it goes to the bundle's Rego
		}
		tabular++
		ask := stock(t, b)
		for range each {
			q := r.question()
			got, want := decide(t.Context(), by, q), ask(q)
			if len(got.Rules) == 1 && got.Rules[0] == Failed {
				got = Answer{Verdict: Reject, Rules: got.Rules} // the words may differ
			}
			if !reflect.DeepEqual(got, want) {
				asked, _ := json.Marshal(q)
				t.Fatalf("seed %d: %s\ntable: %+v\nOPA:   %+v\n%s", seed, asked, got, want, b.Files["agentc/data.json"])
			}
			seen[got.Verdict]++
			for _, rule := range got.Rules {
				seen[kindOf(rule)]++
			}
		}
	}
	t.Logf("%d answers of %d fleets, %d others not for the table: %v", tabular*each, tabular, fleets-tabular, seen)
	for _, kind := range []string{Execute, Escalate, Reject, noEdge, noSkill, noRule, Failed, "rule", "reviewers.ai.reject", "reviewers.soc.reject", "reviewers.soc.escalate"} {
		if seen[kind] == 0 {
			t.Errorf("no answer was %s", kind)
		}
	}
	if tabular == fleets {
		t.Error("every fleet was one for the table, also those that say more than its types hold")
	}
}

func kindOf(rule string) string {
	if strings.Contains(rule, "/") {
		return "rule"
	}
	return rule
}

// nativeOf a bundle that has no questions of its own.
func nativeOf(t *testing.T, b *bundle.Bundle) (answerer, bool) {
	t.Helper()
	p, err := newPolicy(b)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Read(b.Files["agentc/data.json"])
	if err != nil || !p.tabular(b, f) {
		return nil, false
	}
	by, _, err := p.native(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return by, true
}

// stock is OPA as anybody would use it, asked in JSON. What it fails to answer has the verdict of a failure, and no words.
func stock(t *testing.T, b *bundle.Bundle) func(Question) Answer {
	t.Helper()
	var data map[string]any
	d := json.NewDecoder(bytes.NewReader(b.Files["agentc/data.json"]))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		t.Fatal(err)
	}
	options := []func(*rego.Rego){rego.Query("data.agentc.decision"), rego.StrictBuiltinErrors(true), rego.Store(inmem.NewFromObject(map[string]any{"agentc": data}))}
	for name, text := range b.Files {
		if strings.HasSuffix(name, ".rego") {
			options = append(options, rego.Module(name, string(text)))
		}
	}
	prepared, err := rego.New(options...).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(q Question) (a Answer) {
		defer func() {
			if recover() != nil {
				a = Answer{Verdict: Reject, Rules: []string{Failed}}
			}
		}()
		said, err := stockAnswer(t, prepared, q)
		if err != nil {
			return Answer{Verdict: Reject, Rules: []string{Failed}}
		}
		return said
	}
}

func stockAnswer(t *testing.T, prepared rego.PreparedEvalQuery, q Question) (Answer, error) {
	action := map[string]any{}
	if q.Action != "" {
		action["name"] = q.Action
	}
	input := map[string]any{
		"subject": map[string]any{"type": q.Subject.Type, "id": q.Subject.ID}, "resource": map[string]any{"type": q.Resource.Type, "id": q.Resource.ID},
		"action": action, "context": q.Context,
	}
	results, err := prepared.Eval(t.Context(), rego.EvalInput(input), rego.EvalRuleIndexing(false))
	if err != nil {
		return Answer{}, err
	}
	if len(results) != 1 {
		return Answer{}, errors.New("no decision")
	}
	text, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return Answer{}, err
	}
	var said struct {
		Decision bool
		Context  Answer
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return Answer{}, err
	}
	if said.Decision != (said.Context.Verdict == Execute) {
		t.Errorf("OPA says %s", text)
	}
	return said.Context, nil
}

// random makes bundles and questions out of few words, so that they meet.
type random struct{ *rand.Rand }

func one[T any](r random, of ...T) T { return of[r.IntN(len(of))] }

func (r random) often(percent int) bool { return r.IntN(100) < percent }

var (
	agentNames = []string{"a", "b", "ä", "a.b", ""}
	skillNames = []string{"read", "write", "lösche", "no-rule", "x y"}
	ruleNames  = []string{"p/a", "p/b", "p/c", "q/a", "q/ü", "q/\u2028", "no-rule", "no-edge", "reviewers.soc.escalate"}
	routeNames = []string{"oncall", "leads", "alle", ""}
	reasons    = []string{"One.", "Two.", "Zwö.", "No reviewer rule speaks of this call.", "soc says"}
	edges      = []string{"0", "1", "0.5", "0.1", "0.3", "0.8", "0.9", "50", "99", "99.5", "100", "79.99999999999999", "0.30000000000000004", "1e-7", "5e-324", "1e+300", "-1", "-0.5"}
)

func (r random) spiffe() string { return "spiffe://x.example/" + one(r, "a", "b", "c", "ä") }

func (r random) bundle() *bundle.Bundle {
	files := map[string][]byte{"agentc/data.json": r.data()}
	modules, _ := core.Modules()
	for _, m := range modules {
		files["agentc/"+m.Name] = m.Text
	}
	for name, texts := range map[string][]string{"reviewers/soc/a.rego": teamTexts, "reviewers/ai/b.rego": otherTexts} {
		if r.often(25) {
			files[name] = []byte(one(r, texts...))
		}
	}
	return &bundle.Bundle{Files: files}
}

// teamTexts are what a team may write: well, in other shapes, and so that a builtin fails.
var teamTexts = []string{
	`package reviewers.soc

reject contains "no" if input.action.name == "write"

escalate contains sprintf("soc says %v", [input.context.confidence]) if input.context.confidence < 0.5

escalate contains "soc says" if input.context.hour > 3
`,
	`package reviewers.soc

import data.agentc.fleet.agents

escalate contains agents[input.resource.id].team

escalate contains data.agentc.environment.name if input.subject.id in object.keys(data.agentc.fleet.agents[input.resource.id].callers)

escalate contains 7 if input.context.anomaly.percentile > 50
`,
	`package reviewers.soc

escalate := ["soc says"] if input.action.name == "read"

reject contains "ends" if endswith(input.context.parameters, "x")
`,
	`package reviewers.soc

reject contains "odd" if input.action.name != "read"

escalate contains one if some one in {"soc says", "Two."}

threshold := 5
`,
}

var otherTexts = []string{
	"package reviewers.ai\n\nhelper := true\n",
	"package reviewers.ai\n\nreject contains input.subject.id if not input.context.anomaly\n\nescalate contains \"soc says\" if input.context == {}\n",
	"package reviewers.ai\n\nreject := true if input.context.hour == 3\n\nreject := true if input.context.confidence\n",
}

// data of a fleet, in the compiler's shape but for a slip in some.
func (r random) data() []byte {
	agents, rules, routes := map[string]any{}, map[string]any{}, map[string]any{}
	for _, name := range agentNames {
		if name != "" && r.often(90) { // decision/fleet refuses what has no name, or the id of another
			agents[name] = r.agent(name)
		}
	}
	for _, name := range ruleNames {
		if r.often(95) {
			rules[name] = r.rule()
		}
	}
	for _, name := range routeNames {
		if name != "" && r.often(75) {
			routes[name] = map[string]any{"endpoint": "chat", "channel": "c", "approvers": []string{"x"}, "quorum": 1 + r.IntN(3)}
		}
	}
	data := map[string]any{
		"environment": map[string]any{"name": one(r, "dev", "prod"), "fleet": "f", "trustDomain": "x.example"},
		"fleet":       map[string]any{"agents": agents}, "rules": rules,
		"escalation": map[string]any{"lifetimeMs": 1000, "defaultRoute": one(r, routeNames...), "routes": routes},
	}
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	if r.often(25) {
		slip := one(r, slips...)
		text = []byte(strings.Replace(string(text), slip[0], slip[1], 1+r.IntN(3)))
	}
	return text
}

// slips are differences that Go's types would hide from the table, and Rego sees.
var slips = [][2]string{
	{`{"rules":[]}`, `{}`}, {`"rules":[]`, `"rules":null`}, {`"allSkills":true`, `"AllSkills":true`}, {`"allSkills":true,`, ``}, {`"callers":{`, `"Callers":{`},
	{`"verdict":"escalate"`, `"verdict":null`}, {`"verdict":"auto-execute",`, ``}, {`"when":{}`, `"when":null`}, {`,"when":{}`, ``}, {`"atLeast":`, `"ATLEAST":`},
	{`"below":0.5`, `"below":0.500000000000000000000000001`}, {`"below":0.5`, `"below":null`}, {`"atLeast":1`, `"atLeast":1.0`},
	{`"quorum":1`, `"quorum":0`}, {`"quorum":2`, `"quorum":2,"quorum":1`}, {`"rules":{"`, `"rules":{"p/a":null,"`}, {`"fleet":{"agents":{`, `"fleet":{"agents":{"a":{"callers":{}}}},"fleet":{"agents":{`},
	{`"reason":"One."`, `"reason":""`}, {`"risk":"low"`, `"risk":null`}, {`"defaultRoute":"oncall"`, `"defaultRoute":null`}, {`"route":"leads"`, `"route":""`}, {`"route":"leads"`, `"route":null`},
}

func (r random) agent(name string) map[string]any {
	skills, callers := map[string]any{}, map[string]any{}
	for _, name := range skillNames {
		if r.often(85) {
			granted := map[string]any{}
			for range 5 {
				ids := []string{}
				for range one(r, 0, 1, 1, 1, 2, 3) {
					ids = append(ids, one(r, ruleNames...))
				}
				granted[r.spiffe()] = map[string]any{"rules": ids}
			}
			skills[name] = map[string]any{"risk": one(r, "low", "medium", "high", "critical", "odd", ""), "tags": []string{}, "callers": granted}
		}
	}
	for range 5 {
		names := []string{}
		for range r.IntN(5) {
			names = append(names, one(r, skillNames...))
		}
		callers[r.spiffe()] = map[string]any{"agent": "x", "skills": names, "allSkills": r.often(60)}
	}
	return map[string]any{
		"id": "spiffe://x.example/" + name, "host": "h", "team": one(r, "ai", "soc"), "entry": false, "requestMs": 1, "shutdownMs": 1, "skills": skills, "callers": callers, "endpoints": map[string]any{},
	}
}

func (r random) rule() map[string]any {
	when := map[string]any{}
	for _, name := range []string{"confidence", "anomaly", "budget", "aardvark"} {
		if r.often(map[string]int{"confidence": 50, "anomaly": 40}[name] + 3) {
			bounds := map[string]any{}
			for _, end := range []string{"atLeast", "below"} {
				if r.often(60) {
					bounds[end] = json.RawMessage(one(r, edges...))
				}
			}
			when[name] = bounds
		}
	}
	rule := map[string]any{"team": "soc", "reason": one(r, reasons...), "verdict": one(r, Execute, Execute, Execute, Execute, Execute, Escalate, Escalate, Escalate, Reject, "perhaps"), "when": when}
	if r.often(40) {
		rule["route"] = one(r, "oncall", "leads", "alle", "gone")
	}
	if r.often(3) {
		rule["reason"] = "x<&>\u2028"
	}
	return rule
}

func (r random) question() Question {
	q := about(Entity{"agent", r.spiffe()}, one(r, append(skillNames, "", "", "gone")...), Entity{"agent", one(r, agentNames...)}, map[string]any{})
	if r.often(3) {
		*one(r, &q.Subject.Type, &q.Resource.Type, &q.Subject.ID, &q.Resource.ID) = one(r, "", "user", "Agent", "agent ", "gone")
	}
	for _, name := range []string{"confidence", "anomaly", "hour", "parameters", "Confidence", "budget"} {
		switch {
		case r.often(25):
		case name == "anomaly" && r.often(90):
			q.Context[name] = map[string]any{one(r, "percentile", "percentile", "percentile", "Percentile", "score"): r.value(100)}
		default:
			q.Context[name] = r.value(1)
		}
	}
	if r.often(1) {
		q.Context = nil
	}
	return q
}

// value of any kind, mostly a number, of those mostly one on the scale or at a bound.
func (r random) value(high int) any {
	switch r.IntN(12) {
	case 0:
		return one[any](r, nil, true, false, "0.9", "x", "", []any{}, []any{json.Number("0.5")}, map[string]any{"percentile": json.Number("50")}, map[string]any{}, "\u00e4")
	case 1:
		return json.Number(one(r, numbers...))
	case 2, 3, 4:
		return json.Number(r.near(one(r, edges...)))
	case 5:
		return json.Number(fmt.Sprint(r.IntN(high + 3)))
	}
	return json.Number(fmt.Sprintf("%.*f", r.IntN(25), r.Float64()*float64(high)))
}

// near an edge, or the same in other digits.
func (r random) near(edge string) string {
	if strings.Contains(edge, "e") {
		return edge
	}
	dot := ""
	if !strings.Contains(edge, ".") {
		dot = "."
	}
	return one(r, edge, edge+dot+"0", edge+dot+"00000000000000000001", edge+"e0", edge+"E+00", edge+dot+strings.Repeat("0", 40)+"1", edge+dot+"000000000000001", edge+"e-1", edge+"e1")
}

var numbers = []string{
	"0", "-0", "0.0", "-0.0", "0e5", "1", "1.0", "100", "1e2", "10e1", "1e400", "-1e400", "1e-400", "-1e-400", "5e-324", "2e-324", "1e999999999", "1e-999999999", "1e9999999999", "1e-9999999999",
	"1e99999999999999999999", "1e-99999999999999999999", "18446744073709551616", "9223372036854775807", "0.99999999999999999999999", "1.00000000000000000000001", "99.9999999999999999999", "100.0000000000000000001",
	"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257828", "0.5000000000000000000000000000001", "0.49999999999999999999999999999", "-0.00000000000000000000000001", "1" + strings.Repeat("0", 400), "0." + strings.Repeat("3", 400),
}
