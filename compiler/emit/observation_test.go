package emit

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	gocmp "github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func observationEnv() *model.Environment {
	env := deliveryEnv()
	env.Fleet.Teams = []schema.Team{
		{Name: "ai", Owns: "agents"}, {Name: "ops", Owns: "platform"}, {Name: "soc", Owns: "policies"},
	}
	env.Peers.Prometheus = &schema.Peer{Namespace: "monitoring"}
	env.RenewBefore = 8 * time.Hour
	env.Policy = &model.Policy{
		Escalation: model.Escalation{Lifetime: 15 * time.Minute},
		Anomaly:    bounded(95, 80, 99.5),
	}
	return env
}

func observed(t *testing.T, env *model.Environment) []artifact.Object {
	t.Helper()
	out := &Out{}
	if err := observation(env, out); err != nil {
		t.Fatal(err)
	}
	return out.Objects
}

// readBack writes an object as the file will hold it and reads it strictly into its upstream type.
func readBack(t *testing.T, o artifact.Object, into any) {
	t.Helper()
	tree := artifact.NewTree()
	if err := tree.Add([]artifact.Object{o}, nil); err != nil {
		t.Fatal(err)
	}
	data, _ := tree.File(o.File)
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
}

func TestNobodyObservesWithoutPrometheus(t *testing.T) {
	env := observationEnv()
	env.Peers.Prometheus = nil
	if got := observed(t, env); len(got) != 0 {
		t.Errorf("got %d objects", len(got))
	}
}

func TestPodMonitor(t *testing.T) {
	objects := observed(t, observationEnv())
	if len(objects) != 3 {
		t.Fatalf("got %d objects, want three", len(objects))
	}
	var got monitoringv1.PodMonitor
	readBack(t, objects[0], &got)
	if objects[0].File != "prod/manifests/soc-system/observation.yaml" || got.Namespace != "soc-system" {
		t.Errorf("in %s, namespace %s", objects[0].File, got.Namespace)
	}
	want := []string{"soc-system", "soc-analyse", "soc-detect"}
	if diff := gocmp.Diff(want, got.Spec.NamespaceSelector.MatchNames); diff != "" || got.Spec.NamespaceSelector.Any {
		t.Errorf("namespaces (-want +got), any %v:\n%s", got.Spec.NamespaceSelector.Any, diff)
	}
	endpoint := got.Spec.PodMetricsEndpoints[0]
	if *endpoint.Port != "metrics" || endpoint.HonorLabels {
		t.Errorf("port %s, honorLabels %v", *endpoint.Port, endpoint.HonorLabels)
	}
	var labels []string
	for _, r := range endpoint.RelabelConfigs {
		labels = append(labels, r.TargetLabel)
	}
	if diff := gocmp.Diff([]string{"fleet", "environment", "agent"}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func alertsOf(t *testing.T, env *model.Environment) map[string]monitoringv1.Rule {
	t.Helper()
	var rule monitoringv1.PrometheusRule
	readBack(t, observed(t, env)[1], &rule)
	alerts := map[string]monitoringv1.Rule{}
	for _, g := range rule.Spec.Groups {
		for _, r := range g.Rules {
			alerts[r.Alert] = r
		}
	}
	return alerts
}

func TestAlertsSayWhoDoesWhat(t *testing.T) {
	alerts := alertsOf(t, observationEnv())
	teams := map[string]string{
		"AgentUnreachable": "ops", "AgentGone": "ai", "FleetUnobserved": "ops", "AgentFailing": "ai", "EndpointBreakerOpen": "ops",
		"CertificateExpiring": "ops", "RejectsRising": "soc", "EscalationWaiting": "soc", "BundleStale": "ops", "BundleRefused": "ops",
		"BundleBehind": "ops", "AuditLogLagging": "ops", "AnomalyThresholdAtBound": "soc",
	}
	got := map[string]string{}
	for name, a := range alerts {
		got[name] = a.Labels["team"]
		if !slices.Contains([]string{critical, warning}, a.Labels["severity"]) || a.Annotations["summary"] == "" || a.Annotations["runbook"] == "" {
			t.Errorf("%s lacks severity, summary or runbook: %v %v", name, a.Labels, a.Annotations)
		}
	}
	if diff := gocmp.Diff(teams, got); diff != "" {
		t.Errorf("alerts and their teams (-want +got):\n%s", diff)
	}
}

// Thresholds that follow from the spec.
func TestAlertsFollowTheSpec(t *testing.T) {
	alerts := alertsOf(t, observationEnv())
	for name, want := range map[string]string{
		"CertificateExpiring": "< 14400", // half of 8h
		"EscalationWaiting":   "> 450",   // half of 15m
	} {
		if got := alerts[name].Expr.StrVal; !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s, want %s at the end", name, got, want)
		}
	}
	if got := alerts["AgentFailing"].Expr.StrVal; !strings.Contains(got, `outcome="failed"`) || !strings.Contains(got, `outcome=~"ok|failed"`) {
		t.Errorf("AgentFailing: %s, want the failed share of what was let through", got)
	}
}

func bounded(percentile, low, high float64) *model.Anomaly {
	return &model.Anomaly{Classes: []*model.Class{{ID: model.PolicyClass, Percentile: percentile, Min: low, Max: high}}}
}

func TestAnomalyAlerts(t *testing.T) {
	cases := map[string]struct {
		anomaly *model.Anomaly
		want    []string // ends of the expressions
	}{
		"no prefilter":                     {nil, nil},
		"between its bounds":               {bounded(95, 80, 99.5), []string{">= 99.5", "<= 80"}},
		"put on the upper bound by people": {bounded(99, 80, 99), []string{"<= 80"}},
		"a class with other bounds": {&model.Anomaly{Classes: append(
			[]*model.Class{{ID: "jobs", Percentile: 96, Min: 96, Max: 98}}, bounded(95, 80, 99.5).Classes...)}, []string{">= 98", ">= 99.5", "<= 80"}},
		"fixed by its bounds": {bounded(99, 99, 99), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			env := observationEnv()
			env.Policy.Anomaly = c.anomaly
			var got []string
			for _, a := range prefilterAlerts(env) {
				got = append(got, a.expr[strings.LastIndex(a.expr, ")")+2:])
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// queries are all that the fleet asks Prometheus.
func queries(env *model.Environment) []string {
	var all []string
	for _, alerts := range [][]alert{guardAlerts(env), decisionAlerts(env), prefilterAlerts(env)} {
		for _, a := range alerts {
			all = append(all, a.expr)
		}
	}
	for _, row := range dashboardRows(env) {
		for _, c := range row.charts {
			all = append(all, c.expr)
		}
	}
	return all
}

// A selector that forgot the fleet would alert about, or draw, everybody's agents.
func TestQueriesSelectThisFleetOnly(t *testing.T) {
	selector := regexp.MustCompile(`\b(up|agentc_[a-z_]+)\b(\{[^}]*\})?`)
	for _, q := range queries(observationEnv()) {
		found := selector.FindAllStringSubmatch(q, -1)
		if len(found) == 0 {
			t.Errorf("%s selects nothing", q)
		}
		for _, m := range found {
			if !strings.HasPrefix(m[2], `{fleet="soc",environment="prod"`) {
				t.Errorf("%s: %s is not limited to the fleet and its environment", q, m[0])
			}
		}
		for _, pair := range []string{"()", "{}", "[]"} {
			if strings.Count(q, pair[:1]) != strings.Count(q, pair[1:]) {
				t.Errorf("%s: unbalanced %s", q, pair)
			}
		}
	}
}

func TestDashboard(t *testing.T) {
	var m corev1.ConfigMap
	readBack(t, observed(t, observationEnv())[2], &m)
	if m.Labels["grafana_dashboard"] != "1" || len(m.Data) != 1 {
		t.Fatalf("labels %v, %d files", m.Labels, len(m.Data))
	}
	var d grafanaDashboard
	if err := json.Unmarshal([]byte(m.Data["soc-prod.json"]), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.UID) > 40 {
		t.Errorf("uid %q is longer than Grafana takes", d.UID)
	}
	taken := map[grafanaGrid]string{} // cells of a grid of 1×1
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels with id %d", p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X+g.W > gridWidth {
			t.Errorf("%s is wider than the grid", p.Title)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				cell := grafanaGrid{X: x, Y: y}
				if other := taken[cell]; other != "" {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[cell] = p.Title
			}
		}
	}
}
