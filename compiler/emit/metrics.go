package emit

import (
	"fmt"

	"agentc/compiler/model"
)

// The metrics of guards and agentd that generated queries read: alerts, the dashboard, the analysis of a canary. They are a
// contract with `agentd`, which exposes them on model.PortMetrics.
//
// Whose a series is, is said by labels that Prometheus adds while it scrapes (podMonitor): fleet, environment, agent (the
// pod's label agents.d/agent; `agentd` for the runtime), namespace and pod. A pod that claims an `agent` of its own has it
// renamed to `exported_agent`: nobody can speak for another agent.
const (
	// Counter {caller, skill, outcome}: every call that reached the guard, by what became of it, once the answer is complete.
	// The guard creates the series of every outcome at zero when it starts, so that a pod without calls is told from a pod that
	// nobody scrapes.
	metricGuardRequests = "agentc_guard_requests_total"
	// Histogram with the same labels: how long these calls took, the agent's own work included.
	metricGuardDuration = "agentc_guard_request_duration_seconds"

	// Counter {verdict}: decisions, by schema.Verdicts.
	metricDecisions = "agentc_decisions_total"

	// Gauge: sequence of the bundle in force.
	metricBundleSequence = "agentc_bundle_sequence"
	// Gauge: seconds since the source last confirmed that the bundle in force is the current one.
	metricBundleAge = "agentc_bundle_age_seconds"
	// Counter: bundles that were offered and refused.
	metricBundleFailures = "agentc_bundle_activation_failures_total"

	// Gauge: escalations that wait for a human.
	metricEscalationsPending = "agentc_escalations_pending"
	// Gauge: seconds that the oldest of them has waited; 0 where there is none.
	metricEscalationOldest = "agentc_escalation_oldest_seconds"

	// Counter {outcome}: events that the intake read, by what became of them: `passed`, `dropped` or `failed`.
	metricEvents = "agentc_events_total"
	// Gauge {class}: the percentile from which events are passed on; of several namespaces, the highest.
	metricAnomalyThreshold = "agentc_anomaly_threshold_percentile"

	// Gauge: seconds until the certificate in use ends; negative afterwards.
	metricCertificateExpiry = "agentc_certificate_expiry_seconds"
	// Gauge {endpoint}: 1 while the breaker lets no request through, else 0.
	metricEndpointBreaker = "agentc_endpoint_breaker_open"
	// Gauge: seconds since the oldest record that is not yet in the audit log was made.
	metricAuditLag = "agentc_audit_lag_seconds"
)

// What can become of a call. Only `failed` speaks of the agent: a canary is judged by it.
const (
	labelOutcome = "outcome"

	outcomeOK        = "ok"        // the agent answered
	outcomeFailed    = "failed"    // the agent answered with an error, too late or not at all
	outcomeRejected  = "rejected"  // the verdict was auto-reject, or a human's
	outcomeEscalated = "escalated" // a human was asked; the call was not forwarded
	outcomeRefused   = "refused"   // it got no verdict at all: no mTLS, no trace, not A2A, no bundle
)

// Labels that Prometheus adds while it scrapes.
const (
	promFleet       = "fleet"
	promEnvironment = "environment"
	promAgent       = "agent"
)

// series selects one metric of this fleet in this environment: one Prometheus may see several.
// matchers are more of PromQL's label matchers, each with its value in quotes: `outcome="failed"`.
func series(env *model.Environment, metric string, matchers ...string) string {
	s := fmt.Sprintf("%s{%s=%q,%s=%q", metric, promFleet, env.Fleet.Name, promEnvironment, env.Name)
	for _, m := range matchers {
		s += "," + m
	}
	return s + "}"
}

// outcomeIs is a matcher for series.
func outcomeIs(outcome string) string { return fmt.Sprintf("%s=%q", labelOutcome, outcome) }

// letThrough matches the calls that reached the agent, whether it answered or failed: what its error rate is a share of.
var letThrough = fmt.Sprintf("%s=~%q", labelOutcome, outcomeOK+"|"+outcomeFailed)
