package emit

import (
	"fmt"
	"time"

	"agentc/compiler/model"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// alert calls one team about one thing.
type alert struct {
	name     string
	expr     string
	lasts    string // before somebody is called
	severity string // critical: now; warning: today
	owns     string // which teams: those that own agents, policies or platform (schema.Team)
	summary  string // Prometheus fills in {{ $labels… }} and {{ $value }}
	runbook  string
}

const (
	critical = "critical"
	warning  = "warning"
)

// prometheusRule holds the alerts of the fleet, one group for each subject.
func prometheusRule(env *model.Environment) *monitoringv1.PrometheusRule {
	groups := []struct {
		subject string
		alerts  []alert
	}{
		{"guards", guardAlerts(env)},
		{"decisions", decisionAlerts(env)},
		{"prefilter", prefilterAlerts(env)},
	}
	rule := &monitoringv1.PrometheusRule{
		TypeMeta:   monitoringType(monitoringv1.PrometheusRuleKind),
		ObjectMeta: observationMeta(env, env.Fleet.Name),
	}
	for _, g := range groups {
		if len(g.alerts) > 0 {
			rule.Spec.Groups = append(rule.Spec.Groups, monitoringv1.RuleGroup{
				Name: projectName(env) + "." + g.subject, Rules: alertRules(env, g.alerts),
			})
		}
	}
	return rule
}

func alertRules(env *model.Environment, alerts []alert) []monitoringv1.Rule {
	rules := make([]monitoringv1.Rule, len(alerts))
	for i, a := range alerts {
		rules[i] = monitoringv1.Rule{
			Alert: a.name,
			Expr:  intstr.FromString(a.expr),
			For:   ptr(monitoringv1.Duration(a.lasts)),
			Labels: map[string]string{
				"severity":      a.severity,
				"team":          teamThatOwns(env.Fleet, a.owns),
				promFleet:       env.Fleet.Name,
				promEnvironment: env.Name,
			},
			Annotations: map[string]string{"summary": a.summary, "runbook": a.runbook},
		}
	}
	return rules
}

// teamThatOwns is the first such team by name, or else the first of all: a label holds one team, and somebody must be called.
func teamThatOwns(fleet *model.Fleet, part string) string {
	for _, t := range fleet.Teams {
		if t.Owns == part {
			return t.Name
		}
	}
	return fleet.Teams[0].Name
}

// guardAlerts are about what runs: reachable, healthy, with a living certificate.
func guardAlerts(env *model.Environment) []alert {
	up := series(env, "up")
	calls := func(outcome string) string {
		return fmt.Sprintf("sum by (agent) (rate(%s[10m]))", series(env, metricGuardRequests, outcome))
	}
	// cert-manager renews when renewBefore is left; half of that left means that it tried in vain.
	renewal := env.RenewBefore / 2
	return []alert{
		{
			name: "AgentUnreachable", lasts: "5m", severity: critical, owns: "platform",
			expr:    up + " == 0",
			summary: "The guard of {{ $labels.agent }} ({{ $labels.pod }}) does not answer.",
			runbook: "Look at the pod and its events. A guard that does not start most often lacks its certificate: see the Certificate in the same namespace.",
		}, {
			name: "AgentGone", lasts: "10m", severity: critical, owns: "agents",
			expr:    fmt.Sprintf("group by (agent) (%s offset 1h) unless group by (agent) (%s)", up, up),
			summary: "No pod of {{ $labels.agent }} is left; an hour ago there was one.",
			runbook: "If the agent was removed on purpose, the alert ends by itself within the hour. Otherwise see whether its Deployment or Rollout still exists, and what Argo CD last did to it.",
		}, {
			name: "FleetUnobserved", lasts: "10m", severity: critical, owns: "platform",
			expr:    fmt.Sprintf("absent(%s)", up),
			summary: "Prometheus scrapes no pod of the fleet at all: every other alert is blind.",
			runbook: "Check that Prometheus selects the PodMonitor of the fleet, and that the network policies of the fleet name the namespace and labels under which Prometheus runs (peers.prometheus).",
		}, {
			name: "AgentFailing", lasts: "10m", severity: warning, owns: "agents",
			expr:    fmt.Sprintf("%s / %s > 0.1", calls(outcomeIs(outcomeFailed)), calls(letThrough)),
			summary: "{{ $labels.agent }} fails {{ $value | humanizePercentage }} of the calls that its guard lets through.",
			runbook: "Take a trace_id of a failed call from the guard's log and follow it. After a new version: revert the image in the spec.",
		}, {
			name: "EndpointBreakerOpen", lasts: "5m", severity: warning, owns: "platform",
			expr:    fmt.Sprintf("max by (agent, endpoint) (%s) == 1", series(env, metricEndpointBreaker)),
			summary: "The guard of {{ $labels.agent }} has stopped calling {{ $labels.endpoint }}: too many requests failed.",
			runbook: "See whether the endpoint is down, slow, or refuses the credential. The guard tries again by itself.",
		}, {
			name: "CertificateExpiring", lasts: "5m", severity: critical, owns: "platform",
			expr:    fmt.Sprintf("min by (agent, pod) (%s) < %d", series(env, metricCertificateExpiry), int64(renewal/time.Second)),
			summary: "The certificate of {{ $labels.agent }} ends in {{ $value | humanizeDuration }} and was not renewed.",
			runbook: "Look at the Certificate and its CertificateRequests, then at the issuer. When the certificate ends, all calls to and from the agent end.",
		},
	}
}

// decisionAlerts are about what is decided, by which bundle, and whether it is written down.
func decisionAlerts(env *model.Environment) []alert {
	rejects := fmt.Sprintf("sum by (agent, caller) (increase(%s[15m]))", series(env, metricGuardRequests, outcomeIs(outcomeRejected)))
	yesterday := fmt.Sprintf("sum by (agent, caller) (increase(%s[15m] offset 1d))", series(env, metricGuardRequests, outcomeIs(outcomeRejected)))
	sequence := series(env, metricBundleSequence)
	return []alert{
		{
			// A pair of agents without a yesterday is compared with zero.
			name: "RejectsRising", lasts: "5m", severity: warning, owns: "policies",
			expr:    fmt.Sprintf("%s > 20 and %s > 3 * (%s or 0 * %s)", rejects, rejects, yesterday, rejects),
			summary: "{{ $labels.caller }} was rejected {{ $value | humanize }} times by {{ $labels.agent }} within 15 minutes, over three times as often as yesterday.",
			runbook: "Read the decision log for the rules that rejected. A new version that asks for too much is the AI team's; an agent that suddenly asks for what it never asked for may be hijacked: quarantine it.",
		}, {
			name: "EscalationWaiting", lasts: "1m", severity: warning, owns: "policies",
			expr:    fmt.Sprintf("max(%s) > %d", series(env, metricEscalationOldest), int64(env.Policy.Escalation.Lifetime/2/time.Second)),
			summary: "An escalation has waited {{ $value | humanizeDuration }}; when its lifetime ends, the action is rejected.",
			runbook: "Open the pending escalations (agentd approvals) and decide, or page another approver of the route.",
		}, {
			name: "BundleStale", lasts: "5m", severity: critical, owns: "platform",
			expr:    fmt.Sprintf("max by (agent, pod) (%s) > 900", series(env, metricBundleAge)),
			summary: "{{ $labels.pod }} has not been able to confirm its bundle for {{ $value | humanizeDuration }}.",
			runbook: "See whether the guard reaches agentd. A stale bundle executes nothing by itself any more once its not_after has passed.",
		}, {
			name: "BundleRefused", lasts: "0s", severity: critical, owns: "platform",
			expr:    fmt.Sprintf("sum by (agent, pod) (increase(%s[15m])) > 0", series(env, metricBundleFailures)),
			summary: "{{ $labels.pod }} was offered a bundle and refused it; the last good one stays in force.",
			runbook: "The log says why: signature, environment, sequence, size, self-test. An unexpected signature or a lower sequence is an incident.",
		}, {
			name: "BundleBehind", lasts: "30m", severity: warning, owns: "platform",
			expr:    fmt.Sprintf("max by (agent, pod) (%s) < on () group_left () max(%s)", sequence, sequence),
			summary: "{{ $labels.pod }} still decides by bundle {{ $value }}, an older one than its neighbours.",
			runbook: "See the guard's log for why it does not take the new bundle; restart the pod if it says nothing.",
		}, {
			name: "AuditLogLagging", lasts: "5m", severity: critical, owns: "platform",
			expr:    fmt.Sprintf("max by (agent, pod) (%s) > 60", series(env, metricAuditLag)),
			summary: "{{ $labels.pod }} has had a record that is not in the audit log for {{ $value | humanizeDuration }}.",
			runbook: "Look at the volume of the audit log: full, slow, gone? Without an audit log nothing is executed without a human.",
		},
	}
}

// prefilterAlerts say that the anomaly threshold lies where it cannot move any further. A bound on which the reviewers put
// the threshold themselves is no news.
func prefilterAlerts(env *model.Environment) []alert {
	a := env.Policy.Anomaly
	if a == nil {
		return nil
	}
	at := alert{name: "AnomalyThresholdAtBound", lasts: "1h", severity: warning, owns: "policies",
		runbook: "The threshold wants to go where the reviewers did not let it. Compare the last scores with the training data (agentc forest report): retrain, or review the bounds."}
	var alerts []alert
	for _, c := range a.Classes {
		threshold := series(env, metricAnomalyThreshold, fmt.Sprintf("class=%q", c.ID))
		if c.Percentile < c.Max {
			upper := at
			upper.expr = fmt.Sprintf("max by (class) (%s) >= %v", threshold, c.Max)
			upper.summary = "The anomaly threshold of {{ $labels.class }} is at its upper bound ({{ $value }}): as few events pass as the bounds allow."
			alerts = append(alerts, upper)
		}
		if c.Percentile > c.Min {
			lower := at
			lower.expr = fmt.Sprintf("min by (class) (%s) <= %v", threshold, c.Min)
			lower.summary = "The anomaly threshold of {{ $labels.class }} is at its lower bound ({{ $value }}): as many events pass as the bounds allow."
			alerts = append(alerts, lower)
		}
	}
	return alerts
}
