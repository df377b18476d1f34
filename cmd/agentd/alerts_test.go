package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// observation is what the compiler emits for Prometheus and Grafana.
const observation = "../../generated/prod/manifests/soc-system/observation.yaml"

// guards' own metrics, which agentd does not have.
var ofGuards = regexp.MustCompile(`^agentc_guard_|^agentc_endpoint_breaker_open$`)

// added are the labels that Prometheus adds while it scrapes, and the one of a histogram's buckets.
var added = []string{"fleet", "environment", "agent", "pod", "namespace", "le"}

var (
	exprLine   = regexp.MustCompile(`"?expr"?: (.*)`)
	metricRead = regexp.MustCompile(`(agentc_[a-z_]+)(?:\{([^}]*)\})?`)
	matcherOf  = regexp.MustCompile(`([a-z_]+)(?:=|!=|=~|!~)\\?"`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	series     = regexp.MustCompile(`(?m)^(agentc_[a-z_]+)(?:\{(.*)\})? (\S+)$`)
)

// scraped is what Prometheus gets of an agentd in production that had an event.
func scraped(t *testing.T) [][]string {
	t.Helper()
	c := newChain(t)
	c.event()
	code, text := fetch(t, http.DefaultClient, http.MethodGet, c.admin+"/metrics", "")
	if code != http.StatusOK {
		t.Fatal(code, text)
	}
	return series.FindAllStringSubmatch(text, -1)
}

func namesOf(form *regexp.Regexp, text string) (names []string) {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(added, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// TestMetricsRead: whatever alerts and the dashboard read of agentd, by name and label, a scrape of it has.
func TestMetricsRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(observation)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string][]string{} // labels by metric
	for _, s := range scraped(t) {
		has[s[1]] = append(has[s[1]], namesOf(matcherOf, s[2])...)
	}
	read := map[string]bool{}
	for _, line := range exprLine.FindAllStringSubmatch(string(text), -1) {
		for _, m := range metricRead.FindAllStringSubmatch(line[1], -1) {
			if ofGuards.MatchString(m[1]) {
				continue
			}
			read[m[1]] = true
			labels, there := has[m[1]]
			if !there {
				t.Errorf("agentd has no %s, which is read by %s", m[1], line[1])
				continue
			}
			for _, label := range append(namesOf(matcherOf, m[2]), namesOf(grouping, line[1])...) {
				if !slices.Contains(labels, label) {
					t.Errorf("%s has no label %s, which is read by %s", m[1], label, line[1])
				}
			}
		}
	}
	if len(read) < 10 {
		t.Errorf("only %d metrics of agentd are read: %v", len(read), slices.Sorted(maps.Keys(read)))
	}
}

// firing is an alert, by what a series comes to, and when it is to call somebody.
type firing struct {
	alert  string
	series string // that is another, by name; empty: all are gone
	values string // of it, minute by minute
	minute int
	labels string // of the alert, beside its own
}

// TestAlerts: Prometheus calls people for what agentd exposes when it should, and not before. The alerts on guards' own metrics are not asked.
func TestAlerts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatal(err, "; hack/tools.sh installs it")
	}
	rules, known := emittedRules(t)
	healthy := healthySeries(t)
	asked := map[string]bool{"AgentGone": true, "AgentFailing": true, "EndpointBreakerOpen": true, "RejectsRising": true} // guards
	tests := []map[string]any{}
	test := func(values map[string]string, minute int, want ...string) {
		input, samples := []map[string]string{}, []map[string]any{}
		for _, s := range slices.Sorted(maps.Keys(values)) {
			input = append(input, map[string]string{"series": s, "values": values[s]})
		}
		for _, labels := range want {
			samples = append(samples, map[string]any{"labels": labels, "value": 1})
		}
		tests = append(tests, map[string]any{"interval": "1m", "input_series": input, "promql_expr_test": []map[string]any{
			{"expr": `ALERTS{alertstate="firing"}`, "eval_time": fmt.Sprintf("%dm", minute), "exp_samples": samples},
		}})
	}
	test(healthy, 120)
	for _, f := range []firing{
		{"FleetUnobserved", "", "", 12, ""},
		{"AgentUnreachable", "up", "0x200", 6, `agent="agentd",namespace="soc-system",pod="agentd-0"`},
		{"CertificateExpiring", "agentc_certificate_expiry_seconds", "7230-60x100", 8, `agent="agentd",pod="agentd-0"`},
		{"EscalationWaiting", "agentc_escalation_oldest_seconds", "0+60x100", 10, ""},
		{"BundleStale", "agentc_bundle_age_seconds", "0+60x100", 22, `agent="agentd",pod="agentd-0"`},
		{"BundleRefused", "agentc_bundle_activation_failures_total", "0x10 1x100", 12, `agent="agentd",pod="agentd-0"`},
		{"BundleBehind", "agentc_bundle_sequence", "0x100", 32, `agent="agentd",pod="agentd-0"`},
		{"AuditLogLagging", "agentc_audit_lag_seconds", "0+60x100", 8, `agent="agentd",pod="agentd-0"`},
		{"AnomalyThresholdAtBound", `agentc_anomaly_threshold_percentile{class="policy"`, "99.5x100", 62, `class="policy"`},
		{"AnomalyThresholdAtBound", `agentc_anomaly_threshold_percentile{class="policy"`, "80x100", 62, `class="policy"`},
	} {
		asked[f.alert] = true
		values := map[string]string{}
		for s, v := range healthy {
			if f.series != "" {
				values[s] = v
			}
			if f.series != "" && (strings.HasPrefix(s, f.series) && strings.Contains(s, `pod="agentd-0"`)) {
				values[s] = f.values
			}
		}
		labels := known[f.alert]
		if f.labels != "" {
			labels += "," + f.labels
		}
		test(values, f.minute, fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing",%s}`, f.alert, labels))
	}
	for name := range known {
		if !asked[name] {
			t.Errorf("nobody asks whether %s fires", name)
		}
	}
	promtool(t, rules, map[string]any{"rule_files": []string{"rules.yaml"}, "evaluation_interval": "1m", "tests": tests})
}

// emittedRules are the groups as Prometheus reads them, and the labels of each alert.
func emittedRules(t *testing.T) (rules []byte, labels map[string]string) {
	t.Helper()
	text, err := os.ReadFile(observation)
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Kind string
		Spec struct {
			Groups []struct {
				Name  string
				Rules []struct {
					Alert  string
					Labels map[string]string
				}
			}
		}
	}
	labels = map[string]string{}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if !bytes.Contains(document, []byte("\nkind: PrometheusRule\n")) {
			continue
		}
		var raw struct{ Spec map[string]any }
		if err := yaml.Unmarshal(document, &raw); err != nil {
			t.Fatal(err)
		}
		if rules, err = yaml.Marshal(raw.Spec); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(document, &object); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range object.Spec.Groups {
		for _, r := range g.Rules {
			var all []string
			for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
				all = append(all, fmt.Sprintf("%s=%q", name, r.Labels[name]))
			}
			labels[r.Alert] = strings.Join(all, ",")
		}
	}
	return rules, labels
}

// healthySeries are two pods of agentd as a scrape has one, for two hours.
func healthySeries(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	all := scraped(t)
	for pod := range 2 {
		where := fmt.Sprintf(`fleet="soc",environment="prod",agent="agentd",namespace="soc-system",pod="agentd-%d"`, pod)
		values["up{"+where+"}"] = "1x200"
		for _, s := range all {
			labels := where
			if s[2] != "" {
				labels = s[2] + "," + where
			}
			value := s[3] + "x200"
			if s[1] == "agentc_certificate_expiry_seconds" {
				value = "86400x200" // the test's CA lives for an hour
			}
			values[s[1]+"{"+labels+"}"] = value
		}
	}
	return values
}

func promtool(t *testing.T, rules []byte, tests map[string]any) {
	t.Helper()
	folder := t.TempDir()
	text, err := yaml.Marshal(tests)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"rules.yaml": rules, "tests.yaml": text} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "tests.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args[0], err, out)
		}
	}
}
