package schema

import (
	"testing"
	"time"
)

func TestNearest(t *testing.T) {
	known := []string{"replicas", "resources", "restart", "rollout", "timeouts", "env", "prompts/detect.md"}
	for word, want := range map[string]string{
		"replica": "replicas", "Replicas": "replicas", "resuorces": "resources", "rollot": "rollout", "evn": "env",
		"prompts/detct.md": "prompts/detect.md", "timeuots": "timeouts", "restrat": "restart",
		"": "", "x": "", "image": "", "secrets": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("b", []string{"c", "a"}); got != "a" {
		t.Errorf("of equally near words: %q, want the first of the alphabet", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"é", "e", 1}, {"ca", "abc", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestDurationString(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "24h": 24 * time.Hour, "1h0m1s": time.Hour + time.Second,
		"10m": 10 * time.Minute, "1.5s": 1500 * time.Millisecond, "20m30s": 1230 * time.Second, "0s": 0,
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("Duration(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestQuantityIsCanonical(t *testing.T) {
	source, problems := loadFS(t, filesOf(map[string]string{"agents.d/a.yaml": `
apiVersion: agents.d/v1alpha1
kind: Agent
metadata: {name: a}
spec:
  team: ai
  description: d
  image: i
  card: {version: 1.0.0, skills: [{id: s, name: s, description: s, risk: low}]}
  workload: {resources: {limits: {cpu: 0.5, memory: 1024Mi, ephemeralStorage: 1.5Gi}, requests: {cpu: 1000m}}}
`}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := source.Agents[0].Agent.Spec.Workload.Resources
	want := Resources{Limits: ResourceList{CPU: "500m", Memory: "1Gi", EphemeralStorage: "1536Mi"}, Requests: ResourceList{CPU: "1"}}
	if r != want {
		t.Errorf("resources %+v, want %+v", r, want)
	}
	if v := r.Limits.CPU.Value(); v.MilliValue() != 500 {
		t.Errorf("cpu is %v", v)
	}
	if v := Quantity("").Value(); !v.IsZero() {
		t.Errorf("an unset quantity is %v", v)
	}
}
