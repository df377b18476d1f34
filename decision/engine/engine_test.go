package engine

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentc/decision/bundle"
)

func shipped(t testing.TB) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Open("../../generated/prod/bundle")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func agent(name string) Entity {
	return Entity{"agent", "spiffe://prod.soc.example/ns/soc-" + name + "/sa/" + name}
}

func about(subject Entity, action string, resource Entity, context map[string]any) Question {
	return Question{Subject: subject, Action: action, Resource: resource, Context: context}
}

func known(percentile, confidence string, parameters map[string]any) map[string]any {
	return map[string]any{"confidence": json.Number(confidence), "anomaly": map[string]any{"percentile": json.Number(percentile)}, "parameters": parameters, "hour": json.Number("12")}
}

// TestShipped: each verdict of the shipped fleet, and what is no question of agents.
func TestShipped(t *testing.T) {
	e, err := New(t.Context(), shipped(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	shop := map[string]any{"namespace": "shop", "name": "web"}
	for _, c := range []struct {
		question Question
		want     string
		rules    string
	}{
		{about(agent("detect"), "handle-incident", Entity{"agent", "coordinator"}, known("99.2", "0.9", nil)), Execute, "reviewers/incident-opens"},
		{about(agent("coordinator"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", shop)), Escalate, "reviewers/containment-asks"},
		{about(agent("coordinator"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", map[string]any{"namespace": "kube-system"})), Reject, "reviewers.soc.reject"},
		{about(agent("notify"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", shop)), Reject, "no-edge"},
		{about(agent("coordinator"), "", Entity{"agent", "remediate"}, nil), Reject, "no-skill"},
		{about(Entity{"user", agent("detect").ID}, "handle-incident", Entity{"agent", "coordinator"}, known("99.2", "0.9", nil)), Reject, "no-edge"},
		{Question{}, Reject, "no-edge"},
	} {
		if a := e.Decide(t.Context(), c.question); a.Verdict != c.want || strings.Join(a.Rules, " ") != c.rules {
			t.Errorf("%+v: %+v, want %s (%s)", c.question, a, c.want, c.rules)
		}
	}
}

// TestFailuresReject: whatever goes wrong, nothing is executed.
func TestFailuresReject(t *testing.T) {
	b := shipped(t)
	b.Files = maps.Clone(b.Files)
	b.Files["reviewers/soc/more.rego"] = []byte("package reviewers.soc\n\nreject contains \"x\" if endswith(input.context.parameters.name, \"x\")\n")
	e, err := New(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := about(agent("detect"), "handle-incident", Entity{"agent", "coordinator"}, known("99.2", "0.9", map[string]any{"name": 7}))
	if a := e.Decide(t.Context(), q); a.Verdict != Reject || !slices.Equal(a.Rules, []string{Failed}) || !strings.Contains(a.Reasons[0].Reason, "endswith") {
		t.Errorf("a builtin that fails: %+v", a)
	}
	q.Context["parameters"] = map[string]any{"name": func() {}}
	if a := e.Decide(t.Context(), q); a.Verdict != Reject || !slices.Equal(a.Rules, []string{Failed}) {
		t.Errorf("what cannot be a value: %+v", a)
	}
}

// TestSlow: a question that a team's Rego would think about for hours is rejected soon.
func TestSlow(t *testing.T) {
	b := shipped(t)
	b.Files = maps.Clone(b.Files)
	b.Files["reviewers/soc/more.rego"] = []byte("package reviewers.soc\n\nreject contains \"x\" if {\n\tsome x in input.context.parameters.list\n" +
		"\tsome y in input.context.parameters.list\n\tsome z in input.context.parameters.list\n\tx + y + z == -1\n}\n")
	e, err := New(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := make([]any, 5000)
	for i := range list {
		list[i] = json.Number(strconv.Itoa(i))
	}
	begin := time.Now()
	q := about(agent("detect"), "handle-incident", Entity{"agent", "coordinator"}, known("99.2", "0.9", map[string]any{"list": list}))
	if a := e.Decide(t.Context(), q); a.Verdict != Reject || !slices.Equal(a.Rules, []string{Failed}) || time.Since(begin) > 5*patience {
		t.Errorf("after %s: %+v", time.Since(begin), a)
	}
}

// TestBadBundles are refused before they answer anybody.
func TestBadBundles(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, changed, want string
	}{
		"a builtin that reaches out": {"reviewers/soc/containment.rego", "reject contains", "reject contains \"x\" if http.send({}).status_code == 200\n\nreject contains", "undefined function http.send"},
		"the clock":                  {"reviewers/soc/containment.rego", "reject contains", "reject contains \"x\" if time.now_ns() > 0\n\nreject contains", "undefined function time.now_ns"},
		"Rego that is none":          {"agentc/decision.rego", "\npackage", "\npakage", "rego_parse_error"},
		"data that is none":          {"agentc/data.json", "{", "[", "the bundle's data: "},
		"an edge more":               {"agentc/data.json", `"allSkills": false`, `"allSkills": true`, "the bundle's self-test: "},
		"a core that says yes":       {"agentc/decision.rego", `decision.context.verdict := verdict`, `decision.context.verdict := "auto-execute"`, "the bundle's self-test: "},
		"no self-test":               {"selftest.json", `"vectors"`, `"more"`, "the bundle's self-test: "},
		"a self-test of nothing":     {"selftest.json", `"format": 1`, `"format": 2`, "asks nothing, or in another format"},
	} {
		b := shipped(t)
		text := string(b.Files[c.file])
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s: %s has no %q", name, c.file, c.old)
		}
		b.Files[c.file] = []byte(strings.Replace(text, c.old, c.changed, 1))
		if _, err := New(t.Context(), b, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	e, err := New(b.Context(), shipped(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	q := about(agent("coordinator"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", map[string]any{"namespace": "shop"}))
	for b.Loop() {
		e.Decide(b.Context(), q)
	}
}

type panics struct{}

func (panics) answer(context.Context, Question) (Answer, error) { panic("a fault of ours") }

// TestPanic: an evaluation that panics rejects.
func TestPanic(t *testing.T) {
	e := &Engine{answerer: panics{}, Fleet: load(t).Fleet}
	if a := e.Decide(t.Context(), Question{}); a.Verdict != Reject || !slices.Equal(a.Rules, []string{Failed}) || !strings.Contains(a.Reasons[0].Reason, "a fault of ours") {
		t.Errorf("%+v", a)
	}
}
