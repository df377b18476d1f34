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
		r.Team, r.Reason = "soc", "Because of "+r.ID+"."
	}
	careful, never, odd, open, sure := rules[0], rules[1], rules[2], rules[3], rules[4]
	env.Policy = &model.Policy{
		Rules: rules,
		Escalation: model.Escalation{Lifetime: 15 * time.Minute, Default: "oncall", Routes: []*model.Route{
			{Name: "leads", Endpoint: chat, Channel: "leads", Approvers: []string{"soc-leads"}, Quorum: 2},
			{Name: "oncall", Endpoint: chat, Channel: "oncall", Approvers: []string{"soc"}, Quorum: 1},
		}},
		Anomaly: &model.Anomaly{Percentile: 95, Min: 80, Max: 99.5, Always: []string{"Critical"}, Overrides: []schema.Override{
			{ID: "batch", Namespace: "batch", Percentile: ptr(98.0), Owner: "soc@soc.example", Reason: "Noise.", Expires: "2027-03-31"},
		}},
	}
	decisionEdge(coordinator.Identity, remediate, false,
		&model.Grant{Skill: remediate.Skills[0], Rules: []*model.Rule{never, odd, sure}}, &model.Grant{Skill: remediate.Skills[1]})
	decisionEdge(coordinator.Identity, notify, true,
		&model.Grant{Skill: notify.Skills[0], Rules: []*model.Rule{careful, open}}, &model.Grant{Skill: notify.Skills[1], Rules: []*model.Rule{open}})
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

// casesOf are the questions of a vector, as agentd would put them.
func casesOf(t *testing.T, v vector) []any {
	var inputs []any
	for _, c := range v.Cases {
		input := generic(t, v.Input).(map[string]any)
		input["context"] = generic(t, c.Context)
		inputs = append(inputs, input)
	}
	return inputs
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
	for _, v := range readSelfTest(t, out).Vectors {
		for i, input := range casesOf(t, v) {
			c := v.Cases[i]
			if got := ask(input); got.verdict != c.Verdict || !slices.Equal(got.rules, c.Rules) {
				t.Errorf("%s, case %d: got %v, want %s %v", v.Name, i, got, c.Verdict, c.Rules)
			}
			verdicts[c.Verdict]++
		}
	}
	for _, verdict := range schema.Verdicts {
		if verdicts[verdict] == 0 {
			t.Errorf("no vector expects %s", verdict)
		}
	}
}

// With users' Rego the vectors say how mild the answer can be at most. Here every call is at night.
func TestSelfTestWithRego(t *testing.T) {
	out := emitDecision(t, withRego(decisionEnv()))
	ask := load(t, archiveOf(t, out)).ruled()
	stricter := 0
	for _, v := range readSelfTest(t, out).Vectors {
		for i, input := range casesOf(t, v) {
			c, got := v.Cases[i], ask(input)
			if c.AtLeast == "" {
				if got.verdict != c.Verdict {
					t.Errorf("%s, case %d: got %v, want %s", v.Name, i, got, c.Verdict)
				}
				continue
			}
			if severity(got.verdict) < severity(c.AtLeast) || got.verdict == "auto-execute" {
				t.Errorf("%s, case %d: got %v, want at least %s", v.Name, i, got, c.AtLeast)
			}
			if got.verdict != c.AtLeast {
				stricter++
			}
		}
	}
	if stricter == 0 {
		t.Error("the users' Rego changed nothing")
	}
}

func TestUsersRego(t *testing.T) {
	l := load(t, archiveOf(t, emitDecision(t, withRego(decisionEnv()))))
	ask, threshold := l.ruled(), l.asker("data.agentc.threshold")
	call := casesOf(t, vector{Cases: make([]vectorCase, 1), Input: vectorInput{
		Subject: vectorEntity{"agent", decisionIdentity("coordinator", "soc-coordinator").SPIFFE}, Action: vectorAction{"post"}, Resource: vectorEntity{"agent", "notify"},
	}})[0].(map[string]any)
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

// A fleet that is too large for a ConfigMap is refused with the ways out.
func TestBundleTooLarge(t *testing.T) {
	env := decisionEnv()
	random := rand.New(rand.NewPCG(1, 1))
	var noise strings.Builder
	noise.WriteString("package reviewers.soc\n# ")
	for range 2 << 20 {
		noise.WriteByte(byte('a' + random.IntN(26)))
	}
	env.Policy.Rego = []schema.Rego{{File: "policies/soc/noise.rego", Text: []byte(noise.String() + "\nreject contains \"a\" if input.a\n")}}
	err := decision(env, &Out{})
	var large *BundleTooLargeError
	if !errors.As(err, &large) || large.Environment != "prod" || large.Size <= maxBundle {
		t.Fatalf("got %v, want a bundle that is too large", err)
	}
	for _, way := range []string{"prod", "900", "OCI", "agentd serve --bundle URL", "split"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("%q does not name %q", err, way)
		}
	}
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
			"escalation.routes.leads", "escalation.routes.oncall", "anomaly"}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		return
	}
	t.Fatal("no data.json")
}
