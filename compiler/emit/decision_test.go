package emit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/policies/core"
	"agentc/schema"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	corev1 "k8s.io/api/core/v1"
)

// decisionEnv is a fleet of three: coordinator may ask remediate for two of its three skills and notify for everything, the
// intake may ask coordinator.
func decisionEnv() *model.Environment {
	env := &model.Environment{
		Fleet: &model.Fleet{Name: "soc"}, Name: "prod", TrustDomain: "prod.soc.example",
		System: decisionIdentity("agentd", "soc-system"),
		From:   schema.Ref{Doc: &schema.Document{File: "agents.d/platform.yaml"}, Path: "spec.environments[0]"},
	}
	tools := &model.Endpoint{Name: "cluster-tools", Type: "mcp", Host: "tools.example", Port: 443, Timeout: 20 * time.Second}
	chat := &model.Endpoint{Name: "chat", Type: "mattermost", Host: "chat.example", Port: 443, Timeout: 20 * time.Second}
	coordinator := decisionAgent(env, "coordinator", &model.Skill{ID: "triage", Risk: "low"})
	notify := decisionAgent(env, "notify", &model.Skill{ID: "page", Risk: "medium"}, &model.Skill{ID: "post", Risk: "low"})
	remediate := decisionAgent(env, "remediate",
		&model.Skill{ID: "isolate", Risk: "high", Tags: []string{"containment"}}, &model.Skill{ID: "restart", Risk: "medium"}, &model.Skill{ID: "wipe", Risk: "critical"})
	remediate.Uses = []*model.Use{{Endpoint: tools, Tools: []schema.Tool{{Name: "networkpolicies.create", Schema: "sha256:" + strings.Repeat("0", 64)}}}}
	env.Agents = []*model.Agent{coordinator, notify, remediate}

	rules := []*model.Rule{
		{ID: "soc/careful", Verdict: "auto-reject", When: schema.When{Confidence: &schema.Range{Below: ptr(0.5)}}},
		{ID: "soc/never", Verdict: "auto-reject", When: schema.When{Anomaly: &schema.Range{AtLeast: ptr(99.0)}}},
		{ID: "soc/odd", Verdict: "escalate", Route: "leads", When: schema.When{Anomaly: &schema.Range{AtLeast: ptr(95.0), Below: ptr(99.0)}}},
		{ID: "soc/open", Verdict: "auto-execute"},
		{ID: "soc/sure", Verdict: "auto-execute", When: schema.When{Confidence: &schema.Range{AtLeast: ptr(0.9)}, Anomaly: &schema.Range{Below: ptr(99.0)}}},
	}
	for _, r := range rules {
		r.Team, r.Reason, r.From = "soc", "Because of "+r.ID+".", schema.Ref{Doc: &schema.Document{File: "policies/soc.yaml"}}
	}
	careful, never, odd, open, sure := rules[0], rules[1], rules[2], rules[3], rules[4]
	env.Policy = &model.Policy{
		Rules: rules,
		Escalation: model.Escalation{Lifetime: 15 * time.Minute, Default: "oncall", Routes: []*model.Route{
			{Name: "leads", Endpoint: chat, Channel: "leads", Approvers: []string{"soc-leads"}, Quorum: 2,
				Hours: &model.Hours{Days: []string{"mon", "fri"}, From: 0, Until: 24, Otherwise: "oncall"}},
			{Name: "oncall", Endpoint: chat, Channel: "oncall", Approvers: []string{"soc"}, Quorum: 1},
		}, People: []*model.Person{
			{Person: schema.Person{Name: "ann", Email: "ann@soc.example", Mattermost: "ann", Team: "soc", Groups: []string{"soc", "soc-leads"}}},
			{Person: schema.Person{Name: "bo", Email: "bo@soc.example", Team: "soc", Groups: []string{"soc-leads"}}},
		}},
		Anomaly: &model.Anomaly{Classes: []*model.Class{
			{ID: "errors", Match: schema.EventMatch{Priority: "Error", Agent: "coordinator"}, Percentile: 90, Min: 85, Max: 95, Shadow: ptr(88.0)},
			{ID: model.PolicyClass, Percentile: 95, Min: 80, Max: 99.5, PerHour: 200, Sample: 0.5},
		}, Always: []string{"Critical"}, Overrides: []schema.Override{
			{ID: "batch", EventMatch: schema.EventMatch{Namespace: "batch"}, Percentile: ptr(98.0), Owner: "soc@soc.example", Reason: "Noise.", Expires: "2027-03-31"},
		}, Forests: []*model.Forest{{Agent: coordinator, Agreed: "sha256:" + strings.Repeat("a", 64), Model: model.File{SHA256: strings.Repeat("a", 64), Data: []byte("{}\n")},
			Feedback: &model.File{SHA256: strings.Repeat("b", 64), Data: []byte("[]\n")}}}},
	}
	decisionEdge(coordinator.Identity, remediate, false,
		&model.Grant{Skill: remediate.Skills[0], Rules: []*model.Rule{never, odd, sure}}, &model.Grant{Skill: remediate.Skills[1]})
	decisionEdge(coordinator.Identity, notify, true,
		&model.Grant{Skill: notify.Skills[0], Rules: []*model.Rule{careful, open}}, &model.Grant{Skill: notify.Skills[1], Rules: []*model.Rule{open}})
	bus := &model.Endpoint{Name: "bus", Type: "kafka", Host: "bus.example", Port: 9093, Timeout: 20 * time.Second}
	env.Runtime = model.Runtime{Endpoints: []*model.Endpoint{bus, chat}, From: schema.Ref{Doc: env.From.Doc, Path: "spec.runtime"}}
	env.Page = &model.Page{URL: "https://approvals.soc.example:8443", Host: "approvals.soc.example", From: schema.Ref{Doc: env.From.Doc, Path: "spec.runtime.page.url"}}
	env.Intakes = []*model.Intake{{Name: "falco", Endpoint: bus, Topic: "falco-events", To: coordinator, Skill: coordinator.Skills[0],
		From: schema.Ref{Doc: env.From.Doc, Path: "spec.intake[0]"}}, {Name: "posted", Client: new(decisionIdentity("sidekick", "falco")),
		Forward: &model.Topic{Endpoint: bus, Topic: "unusual"}, To: coordinator, Skill: coordinator.Skills[0], From: schema.Ref{Doc: env.From.Doc, Path: "spec.intake[1]"}}}
	decisionEdge(env.System, coordinator, false, &model.Grant{Skill: coordinator.Skills[0], Rules: []*model.Rule{open}})
	return env
}

func decisionIdentity(name, namespace string) model.Identity {
	return model.Identity{
		Name: name, Namespace: namespace, Host: name + "." + namespace + ".svc.cluster.local",
		SPIFFE: "spiffe://prod.soc.example/ns/" + namespace + "/sa/" + name,
	}
}

func decisionAgent(env *model.Environment, name string, skills ...*model.Skill) *model.Agent {
	return &model.Agent{
		Identity: decisionIdentity(name, "soc-"+name), Env: env, Team: schema.Team{Name: "ai"}, Skills: skills,
		Workload: model.Workload{RequestTimeout: 30 * time.Second, ShutdownTimeout: 45 * time.Second},
		Doc:      &schema.Document{File: "agents.d/" + name + ".yaml"},
	}
}

func decisionEdge(caller model.Identity, callee *model.Agent, all bool, grants ...*model.Grant) {
	callee.Callers = append(callee.Callers, &model.Edge{Caller: caller, Callee: callee, AllSkills: all, Grants: grants})
}

// withRego adds Rego of two teams, two files of one name among them, which makes verdicts stricter and never milder.
func withRego(env *model.Environment) *model.Environment {
	env.Policy.Rego = []schema.Rego{
		{File: "policies/ai/hours.rego", Text: []byte("package reviewers.ai\n\nthreshold := 97 if input.event.source == \"falco\"\n")},
		{File: "policies/soc/Hours.rego", Text: []byte("package reviewers.soc\n\nescalate contains \"at night\" if not _day\n\n_day if input.context.hour >= 8\n")},
		{File: "policies/soc/more/hours.rego", Text: []byte("package reviewers.soc\n\nreject contains \"tainted\" if input.context.tainted\n")},
	}
	return env
}

func emitDecision(t *testing.T, env *model.Environment) *Out {
	t.Helper()
	out := &Out{}
	if err := decision(env, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func archiveOf(t *testing.T, out *Out) []byte {
	t.Helper()
	if len(out.Objects) != 1 {
		t.Fatalf("%d objects, want one ConfigMap", len(out.Objects))
	}
	return out.Objects[0].Value.(*corev1.ConfigMap).BinaryData["bundle.tar.gz"]
}

// loaded is a bundle in OPA.
type loaded struct {
	t        *testing.T
	bundle   bundle.Bundle
	compiler *ast.Compiler
	data     map[string]any
}

// load reads an archive with OPA's own reader.
func load(t *testing.T, archive []byte) *loaded {
	t.Helper()
	b, err := bundle.NewReader(bytes.NewReader(archive)).Read()
	if err != nil {
		t.Fatal(err)
	}
	l := &loaded{t: t, bundle: b, compiler: ast.NewCompiler().WithStrict(true), data: b.Data}
	if l.compiler.Compile(b.ParsedModules("")); l.compiler.Failed() {
		t.Fatal(l.compiler.Errors)
	}
	return l
}

// asker prepares a query over the bundle with its data, or other data.
func (l *loaded) asker(query string) func(input any) any {
	l.t.Helper()
	ctx := context.Background()
	prepared, err := rego.New(rego.Query(query), rego.Compiler(l.compiler), rego.Store(inmem.NewFromObject(l.data)),
		rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	return func(input any) any {
		results, err := prepared.Eval(ctx, rego.EvalInput(input))
		if err != nil || len(results) != 1 {
			l.t.Fatalf("%s: %d results, %v", query, len(results), err)
		}
		return results[0].Expressions[0].Value
	}
}

// ruled asks for a decision and takes its ruling.
func (l *loaded) ruled() func(input any) ruling {
	ask := l.asker("data.agentc.decision")
	return func(input any) ruling {
		answer := ask(input).(map[string]any)
		context := answer["context"].(map[string]any)
		r := ruling{verdict: context["verdict"].(string)}
		for _, rule := range context["rules"].([]any) {
			r.rules = append(r.rules, rule.(string))
		}
		if answer["decision"] != (r.verdict == "auto-execute") {
			l.t.Errorf("decision %v with verdict %s", answer["decision"], r.verdict)
		}
		return r
	}
}

// generic is a value as JSON readers see it.
func generic(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// callOf is a question as agentd would put it.
func callOf(caller, callee, skill string, context any) map[string]any {
	action := map[string]any{}
	if skill != "" {
		action["name"] = skill
	}
	return map[string]any{
		"subject": map[string]any{"type": "agent", "id": caller}, "action": action,
		"resource": map[string]any{"type": "agent", "id": callee}, "context": context,
	}
}

// question is one case of the self-test.
type question struct {
	vectorCase
	caller, callee, skill string
	name                  string
	input                 map[string]any
}

// questions unfolds a self-test, as a loader would.
func questions(t *testing.T, s selfTestData) []question {
	t.Helper()
	var all []question
	for _, v := range s.Vectors {
		for skill, name := range v.Skills {
			if len(s.Cases[name]) == 0 {
				t.Errorf("%s -> %s/%s has no cases: %q", v.Caller, v.Callee, skill, name)
			}
			for i, c := range s.Cases[name] {
				all = append(all, question{c, v.Caller, v.Callee, skill, fmt.Sprintf("%s -> %s/%s, case %d of %q", v.Caller, v.Callee, skill, i, name),
					callOf(v.Caller, v.Callee, skill, generic(t, c.Context))})
			}
		}
	}
	return all
}

// readSelfTest reads the vectors out of an archive, as a loader would.
func readSelfTest(t *testing.T, out *Out) selfTestData {
	t.Helper()
	for _, f := range out.Files {
		if f.Path == "prod/bundle/selftest.json" {
			var s selfTestData
			if err := json.Unmarshal(f.Data, &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatal("no selftest.json")
	return selfTestData{}
}

func TestDecisionFiles(t *testing.T) {
	out := emitDecision(t, withRego(decisionEnv()))
	var got []string
	for _, f := range out.Files {
		got = append(got, f.Path)
	}
	want := []string{
		"prod/bundle/.manifest",
		"prod/bundle/agentc/data.json",
		"prod/bundle/agentc/decision.rego",
		"prod/bundle/agentc/reviewers.rego",
		"prod/bundle/agentc/rules.rego",
		"prod/bundle/agentc/threshold.rego",
		"prod/bundle/forests/coordinator.feedback.json", "prod/bundle/forests/coordinator.json",
		"prod/bundle/reviewers/ai/hours.rego",
		"prod/bundle/reviewers/soc/Hours.rego",
		"prod/bundle/reviewers/soc/hours-2.rego",
		"prod/bundle/selftest.json",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	object := out.Objects[0]
	if object.File != "prod/manifests/soc-system/bundle.yaml" || object.Wave != wavePolicy {
		t.Errorf("the ConfigMap stands in %s, wave %d", object.File, object.Wave)
	}
	if m := object.Value.(*corev1.ConfigMap); m.Name != "soc-bundle" || m.Namespace != "soc-system" {
		t.Errorf("the ConfigMap is %s/%s", m.Namespace, m.Name)
	}
}

// The archive holds what lies unpacked for review, and its manifest says what it is.
func TestDecisionArchive(t *testing.T) {
	out := emitDecision(t, withRego(decisionEnv()))
	b := load(t, archiveOf(t, out)).bundle
	for _, m := range b.Modules {
		i := slices.IndexFunc(out.Files, func(f artifact.File) bool { return f.Path == "prod/bundle/"+m.URL })
		if i < 0 || !bytes.Equal(out.Files[i].Data, m.Raw) {
			t.Errorf("module %s differs from the unpacked file", m.URL)
		}
	}
	if len(b.Modules) != 7 {
		t.Errorf("%d modules, want 7", len(b.Modules))
	}
	want := map[string]any{"format": json.Number("1"), "environment": "prod", "fleet": "soc", "sequence": json.Number("0"), "not_after": ""}
	if diff := gocmp.Diff(want, b.Manifest.Metadata); diff != "" {
		t.Errorf("metadata (-want +got)\n%s", diff)
	}
	if roots := *b.Manifest.Roots; !slices.Equal(roots, []string{"agentc", "reviewers"}) || *b.Manifest.RegoVersion != 1 {
		t.Errorf("roots %v, Rego v%d", roots, *b.Manifest.RegoVersion)
	}
	if len(b.Manifest.Revision) != 64 {
		t.Errorf("revision %q is no SHA-256", b.Manifest.Revision)
	}
}

func TestRevisionNamesTheContent(t *testing.T) {
	revisionOf := func(env *model.Environment) string {
		return load(t, archiveOf(t, emitDecision(t, env))).bundle.Manifest.Revision
	}
	first := revisionOf(decisionEnv())
	if again := revisionOf(decisionEnv()); again != first {
		t.Error("the same fleet has two revisions")
	}
	other := decisionEnv()
	other.Agents[2].Callers[0].Grants[1].Rules = other.Policy.Rules[:1]
	if revisionOf(other) == first {
		t.Error("another fleet has the same revision")
	}
}

func TestDecisionIsStable(t *testing.T) {
	whole := func() string {
		out := emitDecision(t, withRego(decisionEnv()))
		var text strings.Builder
		for _, f := range out.Files {
			fmt.Fprintf(&text, "%s\n%s\n", f.Path, f.Data)
		}
		text.Write(archiveOf(t, out))
		return text.String()
	}
	first := whole()
	for range 20 {
		if whole() != first {
			t.Fatal("two runs over one fleet differ")
		}
	}
}

// The schema describes exactly what the Go types write: every object in it is closed.
func TestDataMatchesItsSchema(t *testing.T) {
	entry := decisionEnv()
	entry.Agents[0].Entry = true
	small := decisionEnv()
	small.Agents, small.Policy = nil, &model.Policy{}
	for name, env := range map[string]*model.Environment{"whole": withRego(decisionEnv()), "entry": entry, "no agents, no policy": small} {
		l := load(t, archiveOf(t, emitDecision(t, env)))
		if problems := schemaProblems(t, l.data["agentc"]); problems != "[]" {
			t.Errorf("%s: %s", name, problems)
		}
	}
	broken := load(t, archiveOf(t, emitDecision(t, decisionEnv()))).data["agentc"].(map[string]any)
	broken["agents"] = map[string]any{}
	if schemaProblems(t, broken) == "[]" {
		t.Error("the schema takes a key that nobody writes")
	}
}

func schemaProblems(t *testing.T, data any) string {
	t.Helper()
	results, err := rego.New(rego.Query("json.match_schema(input.data, input.schema)[1]"), rego.StrictBuiltinErrors(true),
		rego.Input(map[string]any{"data": data, "schema": string(core.DataSchema)})).Eval(context.Background())
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	return fmt.Sprint(results[0].Expressions[0].Value)
}

// Every vector of the self-test is what OPA answers.
func TestSelfTest(t *testing.T) {
	out := emitDecision(t, decisionEnv())
	ask := load(t, archiveOf(t, out)).ruled()
	verdicts := map[string]int{}
	for _, q := range questions(t, readSelfTest(t, out)) {
		if got := ask(q.input); got.verdict != q.Verdict || !slices.Equal(got.rules, q.Rules) {
			t.Errorf("%s: got %v, want %s %v", q.name, got, q.Verdict, q.Rules)
		}
		verdicts[q.Verdict]++
	}
	for _, verdict := range schema.Verdicts {
		if verdicts[verdict] == 0 {
			t.Errorf("no vector expects %s", verdict)
		}
	}
}

// The self-test asks for every verdict that a grant can get, on both sides of every boundary, and beside every edge.
func TestSelfTestIsComplete(t *testing.T) {
	env := decisionEnv()
	remediate := env.Agents[2]
	decisionEdge(env.System, remediate, false, remediate.Callers[0].Grants[0]) // rules that another edge has too
	type call struct{ caller, callee, skill string }
	asked := map[call]map[string]bool{} // → verdicts
	values := map[string]bool{}         // of confidence and anomaly
	for _, q := range questions(t, readSelfTest(t, emitDecision(t, env))) {
		c := call{q.caller, q.callee, q.skill}
		if asked[c] == nil {
			asked[c] = map[string]bool{}
		}
		asked[c][q.Verdict] = true
		values[fmt.Sprint("confidence ", knownOr(q.Context.Confidence, -1))] = true
		if a := q.Context.Anomaly; a != nil {
			values[fmt.Sprint("anomaly ", a.Percentile)] = true
		}
	}
	for _, a := range env.Agents {
		if asked[call{a.SPIFFE, a.Name, a.Skills[0].ID}] == nil {
			t.Errorf("%s does not call itself", a.Name)
		}
		for i, e := range a.Callers {
			for _, g := range e.Grants {
				if diff := gocmp.Diff(verdictsOf(g), asked[call{e.Caller.SPIFFE, a.Name, g.Skill.ID}]); diff != "" {
					t.Errorf("%s -> %s/%s (-possible +asked)\n%s", e.Caller.Name, a.Name, g.Skill.ID, diff)
				}
			}
			beside := []call{{e.Caller.SPIFFE, a.Name, ""}}
			if s := notGranted(e); s != nil {
				beside = append(beside, call{e.Caller.SPIFFE, a.Name, s.ID})
			}
			if i == 0 {
				beside = append(beside, call{e.Caller.SPIFFE, a.Name, strangeSkill}, call{foreign(e.Caller), a.Name, e.Grants[0].Skill.ID})
			}
			for _, c := range beside {
				if asked[c] == nil {
					t.Errorf("nobody asks %v", c)
				}
			}
		}
	}
	for _, end := range []string{
		"confidence 0.49999999999999994", "confidence 0.5", "confidence 0.8999999999999999", "confidence 0.9",
		"anomaly 94.99999999999999", "anomaly 95", "anomaly 98.99999999999999", "anomaly 99",
	} {
		if !values[end] {
			t.Errorf("no case with %s", end)
		}
	}
}

// verdictsOf are those that a grant gets anywhere on a fine grid.
func verdictsOf(g *model.Grant) map[string]bool {
	grid := func(scale float64) []*float64 {
		values := []*float64{nil}
		for i := range 101 {
			values = append(values, ptr(scale*float64(i)/100))
		}
		return values
	}
	all := map[string]bool{}
	for _, c := range grid(1) {
		for _, a := range grid(100) {
			all[judge(situation{c, a}, g).verdict] = true
		}
	}
	return all
}

// With users' Rego the vectors say how mild the answer can be at most. Here every call is at night.
func TestSelfTestWithRego(t *testing.T) {
	out := emitDecision(t, withRego(decisionEnv()))
	ask := load(t, archiveOf(t, out)).ruled()
	stricter := 0
	for _, q := range questions(t, readSelfTest(t, out)) {
		got := ask(q.input)
		if q.AtLeast == "" {
			if got.verdict != q.Verdict {
				t.Errorf("%s: got %v, want %s", q.name, got, q.Verdict)
			}
			continue
		}
		if severity(got.verdict) < severity(q.AtLeast) || got.verdict == "auto-execute" {
			t.Errorf("%s: got %v, want at least %s", q.name, got, q.AtLeast)
		}
		if got.verdict != q.AtLeast {
			stricter++
		}
	}
	if stricter == 0 {
		t.Error("the users' Rego changed nothing")
	}
}

func TestUsersRego(t *testing.T) {
	l := load(t, archiveOf(t, emitDecision(t, withRego(decisionEnv()))))
	ask, threshold := l.ruled(), l.asker("data.agentc.threshold")
	call := callOf(decisionIdentity("coordinator", "soc-coordinator").SPIFFE, "notify", "post", nil)
	for _, test := range []struct {
		context map[string]any
		want    ruling
	}{
		{map[string]any{"hour": 9}, ruling{"auto-execute", []string{"soc/open"}}},
		{map[string]any{"hour": 7}, ruling{"escalate", []string{"reviewers.soc.escalate"}}},
		{map[string]any{}, ruling{"escalate", []string{"reviewers.soc.escalate"}}},
		{map[string]any{"hour": 9, "tainted": true}, ruling{"auto-reject", []string{"reviewers.soc.reject"}}},
	} {
		call["context"] = test.context
		if got := ask(call); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.context, got, test.want)
		}
	}
	event := func(source, namespace, today string) any {
		return threshold(map[string]any{"event": map[string]any{"source": source, "namespace": namespace}, "context": map[string]any{"today": today}}).(map[string]any)["percentile"]
	}
	for _, test := range []struct{ source, namespace, today, want string }{
		{"audit", "web", "2027-03-31", "95"},
		{"falco", "web", "2027-03-31", "97"},
		{"audit", "batch", "2027-03-31", "98"},
		{"audit", "batch", "2027-04-01", "95"},
	} {
		if got := fmt.Sprint(event(test.source, test.namespace, test.today)); got != test.want {
			t.Errorf("threshold of %+v is %s", test, got)
		}
	}
}

// One answer in full: what the data adds to a verdict.
func TestAnswer(t *testing.T) {
	ask := load(t, archiveOf(t, emitDecision(t, decisionEnv()))).asker("data.agentc.decision")
	got := ask(map[string]any{
		"subject":  map[string]any{"type": "agent", "id": "spiffe://prod.soc.example/ns/soc-coordinator/sa/coordinator"},
		"action":   map[string]any{"name": "isolate"},
		"resource": map[string]any{"type": "agent", "id": "remediate"},
		"context":  map[string]any{"confidence": 0.95, "anomaly": map[string]any{"percentile": 95}},
	})
	want := map[string]any{"decision": false, "context": map[string]any{
		"verdict": "escalate", "route": "leads", "risk": "high", "environment": "prod",
		"reasons": []any{map[string]any{"rule": "soc/odd", "reason": "Because of soc/odd."}}, "rules": []any{"soc/odd"},
		"claims": map[string]any{"confidence": json.Number("0.95")},
	}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A fleet that is too large for a ConfigMap is refused with the ways out.
func TestBundleTooLarge(t *testing.T) {
	env := noisyEnv()
	err := decision(env, &Out{})
	var large *BundleTooLargeError
	if !errors.As(err, &large) || large.Environment != env || large.Size <= maxBundle {
		t.Fatalf("got %v, want a bundle that is too large", err)
	}
	for _, way := range []string{"prod", "900", "bundle.endpoint", "bundle.path", "split"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("%q does not name %q", err, way)
		}
	}
}

// noisyEnv is decisionEnv with Rego that no compression makes small.
func noisyEnv() *model.Environment {
	env := decisionEnv()
	random := rand.New(rand.NewPCG(1, 1))
	var noise strings.Builder
	noise.WriteString("package reviewers.soc\n# ")
	for range 2 << 20 {
		noise.WriteByte(byte('a' + random.IntN(26)))
	}
	env.Policy.Rego = []schema.Rego{{File: "policies/soc/noise.rego", Text: []byte(noise.String() + "\nreject contains \"a\" if input.a\n")}}
	return env
}

// One that agentd fetches is a file for whoever publishes, of any size, and there is no ConfigMap.
func TestBundleFromEndpoint(t *testing.T) {
	mounted := archiveOf(t, emitDecision(t, decisionEnv()))
	env := noisyEnv()
	env.BundleFrom = &model.BundleSource{Endpoint: &model.Endpoint{Name: "store"}, Path: "/b.tar.gz"}
	large := emitDecision(t, env)
	if archive := published(t, large); len(archive) <= maxBundle {
		t.Errorf("%d bytes would fit a ConfigMap", len(archive))
	}
	env = decisionEnv()
	env.BundleFrom = &model.BundleSource{Endpoint: &model.Endpoint{Name: "store"}, Path: "/b.tar.gz"}
	if !bytes.Equal(published(t, emitDecision(t, env)), mounted) {
		t.Error("the file differs from what the ConfigMap would hold")
	}
}

// published is the archive of an environment without a ConfigMap.
func published(t *testing.T, out *Out) []byte {
	t.Helper()
	if len(out.Objects) != 0 {
		t.Errorf("%d objects, want none", len(out.Objects))
	}
	i := slices.IndexFunc(out.Files, func(f artifact.File) bool { return f.Path == "prod/bundle.tar.gz" })
	if i < 0 {
		t.Fatal("no prod/bundle.tar.gz")
	}
	return out.Files[i].Data
}

func TestOriginsOfData(t *testing.T) {
	for _, f := range emitDecision(t, decisionEnv()).Files {
		if f.Path != "prod/bundle/agentc/data.json" {
			continue
		}
		var got []string
		for _, o := range f.From {
			got = append(got, o.Path)
		}
		want := []string{"", "fleet.agents.coordinator", "fleet.agents.notify", "fleet.agents.remediate",
			`rules["soc/careful"]`, `rules["soc/never"]`, `rules["soc/odd"]`, `rules["soc/open"]`, `rules["soc/sure"]`,
			"escalation.page", "escalation.routes.leads", "escalation.routes.oncall", "escalation.people.ann", "escalation.people.bo",
			"runtime", "runtime.intakes.falco", "runtime.intakes.posted", "anomaly", "anomaly.classes[0]", "anomaly.classes[1]", "anomaly.forests.coordinator"}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		return
	}
	t.Fatal("no data.json")
}

// An answer costs the same in a small fleet and in a large one, also where everybody calls the same agent.
func TestCostDoesNotGrowWithTheFleet(t *testing.T) {
	cost := func(agents int) float64 {
		ask := load(t, archiveOf(t, emitDecision(t, starEnv(agents)))).asker("data.agentc.decision")
		question := callOf(decisionIdentity("a1", "soc-a1").SPIFFE, "hub", "post", map[string]any{})
		return testing.AllocsPerRun(20, func() { ask(question) })
	}
	if small, large := cost(2), cost(500); large > 1.2*small {
		t.Errorf("%v allocations in a fleet of 2, %v in one of 500", small, large)
	}
}

// starEnv is a fleet in which all agents may call one.
func starEnv(agents int) *model.Environment {
	env := decisionEnv()
	hub := decisionAgent(env, "hub", &model.Skill{ID: "post", Risk: "low"})
	env.Agents = []*model.Agent{hub}
	for i := range agents {
		a := decisionAgent(env, fmt.Sprintf("a%d", i))
		env.Agents = append(env.Agents, a)
		decisionEdge(a.Identity, hub, false, &model.Grant{Skill: hub.Skills[0], Rules: env.Policy.Rules})
	}
	return env
}
