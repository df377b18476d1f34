package emit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"agentc/compiler/artifact"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	gocmp "github.com/google/go-cmp/cmp"
)

func TestCanary(t *testing.T) {
	env := workloadEnv()
	objects := workloadObjects(t, env)
	r := objectNamed[rollouts.Rollout](t, objects, "remediate")
	want := &rollouts.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "remediate", ScaleDown: "never"}
	if d := gocmp.Diff(want, r.Spec.WorkloadRef); d != "" {
		t.Error(d)
	}
	steps, err := json.Marshal(r.Spec.Strategy.Canary.Steps)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(steps), `[{"setWeight":20},{"pause":{"duration":"10m0s"}}]`; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
	analysis := objectNamed[rollouts.AnalysisTemplate](t, objects, "remediate").Spec
	if got := r.Spec.Strategy.Canary.Analysis; got.Templates[0].TemplateName != "remediate" || got.Args[0].Name != analysis.Args[0].Name {
		t.Errorf("the Rollout's analysis is another: %+v", got)
	}
	m := analysis.Metrics[0]
	if m.Provider.Prometheus.Address != "http://prometheus.monitoring.svc.cluster.local:9090" || !strings.HasSuffix(m.SuccessCondition, "<= 0.05") || !strings.HasSuffix(m.FailureCondition, "> 0.05") {
		t.Errorf("%+v", m)
	}
	calls := func(outcomes string) string {
		return `sum(increase(agentc_guard_requests_total{fleet="soc",environment="prod",agent="remediate",pod=~"remediate-{{args.canary-hash}}-.+",outcome=~"` + outcomes + `"}[5m]))`
	}
	query := "(" + calls("failed") + " or " + calls("ok|failed") + " * 0) / clamp_min(" + calls("ok|failed") + ", 1)"
	if d := gocmp.Diff(query, m.Provider.Prometheus.Query); d != "" {
		t.Error(d)
	}

	env.Peers.Prometheus = nil
	objects = workloadObjects(t, env)
	noObjectNamed[rollouts.AnalysisTemplate](t, objects, "remediate")
	if got := objectNamed[rollouts.Rollout](t, objects, "remediate").Spec.Strategy.Canary.Analysis; got != nil {
		t.Errorf("an analysis that nobody can answer: %+v", got)
	}
}

// TestRolloutHasNoTemplateOfItsOwn: an empty one would not pass the schema, and a null selector would not either.
func TestRolloutHasNoTemplateOfItsOwn(t *testing.T) {
	text, err := artifact.YAML(agentRollout(workloadEnv().Agents[2]))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"  template:", "  selector:"} {
		if bytes.Contains(text, []byte("\n"+key)) {
			t.Errorf("the Rollout has a %s\n%s", key, text)
		}
	}
}
