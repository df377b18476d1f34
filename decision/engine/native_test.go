package engine

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"agentc/decision/bundle"
)

func engines(t *testing.T, b *bundle.Bundle) (table, asked *Engine) {
	t.Helper()
	for _, o := range []struct {
		engine **Engine
		Options
	}{{&table, Options{}}, {&asked, Options{Rego: true}}} {
		e, err := New(t.Context(), b, o.Options)
		if err != nil {
			t.Fatal(err)
		}
		*o.engine = e
	}
	return table, asked
}

// changed is the shipped bundle with another file.
func changed(t *testing.T, file, old, to string) *bundle.Bundle {
	t.Helper()
	b := shipped(t)
	b.Files = maps.Clone(b.Files)
	text := string(b.Files[file])
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", file, old)
	}
	b.Files[file] = []byte(strings.Replace(text, old, to, 1))
	return b
}

// TestWhoAnswers: the table, where the core is the shipped one and nobody adds to it; the bundle's Rego otherwise, and where it is demanded.
func TestWhoAnswers(t *testing.T) {
	table, asked := engines(t, shipped(t))
	if !table.Native || asked.Native {
		t.Errorf("table %t, with --engine rego %t", table.Native, asked.Native)
	}
	more := shipped(t)
	more.Files["reviewers/more.rego"] = []byte("package agentc\n\nmore := 1\n")
	inner := shipped(t)
	inner.Files["reviewers/soc/inner.rego"] = []byte("package reviewers.soc.inner\n\nmore := 1\n")
	beside := shipped(t)
	beside.Files["agentc/more.rego"] = []byte("package agentc.more\n\nmore := 1\n")
	for name, b := range map[string]*bundle.Bundle{
		"another core":               changed(t, "agentc/decision.rego", "# The strictest finding decides.", "# The strictest finding  decides."),
		"a module more in the core":  more,
		"a package inside a team's":  inner,
		"a file more among the core": beside,
		"a number as no float64":     changed(t, "agentc/data.json", `"below": 0.8`, `"below": 0.80`),
	} {
		e, err := New(t.Context(), b, Options{})
		if err != nil || e.Native {
			t.Errorf("%s: the table answers, or %v", name, err)
		}
	}
}

// TestPositions: where a reason is written, the same by both ways.
func TestPositions(t *testing.T) {
	table, asked := engines(t, shipped(t))
	rule, callee := table.Fleet.Rules["reviewers/containment-asks"].At, table.Fleet.Fleet.Agents["remediate"].At
	if !strings.HasPrefix(rule, "policies/soc/reviewers.yaml:") || !strings.HasPrefix(callee, "agents.d/remediate.yaml:") {
		t.Fatal(rule, callee)
	}
	for _, c := range []struct {
		who, skill, namespace, rule, at string
	}{
		{"coordinator", "isolate-workload", "shop", "reviewers/containment-asks", rule},
		{"coordinator", "isolate-workload", "kube-system", "reviewers.soc.reject", "reviewers/soc/containment.rego:21"},
		{"coordinator", "", "shop", "no-skill", callee},
		{"notify", "isolate-workload", "shop", "no-edge", callee},
	} {
		q := about(agent(c.who), c.skill, Entity{"agent", "remediate"}, known("99.2", "0.9", map[string]any{"namespace": c.namespace}))
		got, want := table.Decide(t.Context(), q), asked.Decide(t.Context(), q)
		if !reflect.DeepEqual(got, want) || got.Reasons[0].Rule != c.rule || got.Reasons[0].At != c.at {
			t.Errorf("%+v: %+v, Rego says %+v", c, got, want)
		}
	}
}

// TestDisagreement: a table that says something else than the bundle's Rego answers nobody.
func TestDisagreement(t *testing.T) {
	b := shipped(t)
	e, err := New(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := e.answerer.(native)
	n.table.rules["reviewers/triage-runs"].reason = "Another."
	p, err := newPolicy(b)
	if err != nil {
		t.Fatal(err)
	}
	decision, err := p.prepare(t.Context(), "data.agentc.decision", store(p.data, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.selfTest(t.Context(), b.Files["selftest.json"], asked{decision}); err == nil || !strings.Contains(err.Error(), "the table says") {
		t.Errorf("%v", err)
	}
}

// plainBundle has no Rego of a team, and asks itself only what it can know without.
func plainBundle(t testing.TB) *bundle.Bundle {
	b := shipped(t)
	b.Files = maps.Clone(b.Files)
	maps.DeleteFunc(b.Files, func(name string, _ []byte) bool { return strings.HasPrefix(name, "reviewers/") })
	return b
}

// TestAllocations: a decision of the table costs the memory of its answer.
func TestAllocations(t *testing.T) {
	e, err := New(t.Context(), plainBundle(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := about(agent("coordinator"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", map[string]any{"namespace": "shop"}))
	if n := testing.AllocsPerRun(100, func() { e.Decide(t.Context(), q) }); n >= 10 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTable(b *testing.B) {
	e, err := New(b.Context(), plainBundle(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	q := about(agent("coordinator"), "isolate-workload", Entity{"agent", "remediate"}, known("99.2", "0.9", map[string]any{"namespace": "shop"}))
	for b.Loop() {
		e.Decide(b.Context(), q)
	}
}
