package engine

import (
	"strings"
	"testing"
	"time"

	"agentc/decision/bundle"
	"agentc/forest/prefilter"
)

func load(t *testing.T, edits ...[3]string) *Engine {
	t.Helper()
	b, err := bundle.Open("../../generated/prod/bundle")
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		text := string(b.Files[edit[0]])
		if !strings.Contains(text, edit[1]) {
			t.Fatalf("%s has no %q", edit[0], edit[1])
		}
		b.Files[edit[0]] = []byte(strings.Replace(text, edit[1], edit[2], 1))
	}
	e, err := New(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// TestThresholds: what the shipped fleet's bundle says.
func TestThresholds(t *testing.T) {
	p := load(t)
	build := prefilter.About{Source: "falco", Priority: "Notice", Agent: "detect", Namespace: "ci"}
	for _, c := range []struct {
		about prefilter.About
		at    time.Time
		want  float64
		rules string
	}{
		{prefilter.About{Source: "falco"}, noon, 95, "policy"},
		{prefilter.About{Source: "falco"}, noon.Add(11 * time.Hour), 90, "reviewers.soc.threshold"},
		{prefilter.About{Source: "falco", Namespace: "kube-system"}, noon, 90, "class/control-plane"},
		{prefilter.About{Priority: "Critical"}, noon, 0, "always"},
		{build, noon, 99, "override/ci-builds"},
		{build, noon.AddDate(1, 0, 0), 95, "policy"},
		{build, time.Time{}, 95, "policy"}, // no day: no override holds, and no night
	} {
		l, err := p.Limit(t.Context(), c.about, c.at)
		if err != nil || l.Percentile != c.want || strings.Join(l.Rules, " ") != c.rules {
			t.Errorf("%+v at %v: %+v, %v", c.about, c.at, l, err)
		}
		if decided := l.Class != ""; decided == (c.rules == "always") || decided && l.PerHour != 200 {
			t.Errorf("%+v at %v: %+v", c.about, c.at, l)
		}
	}
	m, err := p.Forest("detect")
	if err != nil || m == nil {
		t.Fatalf("%v, %v", m, err)
	}
	if m, err := p.Forest("notify"); m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
}

// TestBrokenForests: a bundle whose parts do not fit says so.
func TestBrokenForests(t *testing.T) {
	if _, err := load(t, [3]string{"forests/detect.json", `"format":1`, `"format":9`}).Forest("detect"); err == nil {
		t.Error("a bad forest is read")
	}
	if _, err := load(t, [3]string{"forests/detect.feedback.json", `"forest":"sha256:`, `"forest":"sha512:`}).Forest("detect"); err == nil {
		t.Error("feedback of another forest is taken")
	}
	if _, err := load(t, [3]string{"agentc/data.json", `"classes"`, `"klasses"`}).Limit(t.Context(), prefilter.About{}, noon); err == nil {
		t.Error("there is an answer without classes")
	}
}
