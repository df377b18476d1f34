// Package metrics is what Prometheus reads of agentd. The names are a contract: the compiler's alerts, its dashboard and the analysis of a canary read them
// (compiler/emit/metrics.go). No label has a value that a stranger chooses.
package metrics

import (
	"context"
	"time"

	"agentc/decision/loader"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics that somebody counts.
type Metrics struct {
	Decisions *prometheus.CounterVec // by verdict
	Duration  prometheus.Histogram   // of a decision, its record included, in seconds
	Refused   *prometheus.CounterVec // requests that got no decision, by why: identity, request, forbidden, bundle, panic
	Registry  *prometheus.Registry

	failures prometheus.Counter     // bundles
	notices  *prometheus.CounterVec // of escalations, by what became of them
	clicks   *prometheus.CounterVec // of buttons, by what became of them
}

// Verdicts and the reasons of refusals: their series are there from the start, so that nothing happening is told from nobody looking.
var (
	verdicts = []string{"auto-execute", "auto-reject", "escalate"}
	refusals = []string{"identity", "request", "forbidden", "bundle", "panic"}
)

// New makes them.
func New() *Metrics {
	m := &Metrics{
		Decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agentc_decisions_total", Help: "Decisions, by verdict."}, []string{"verdict"}),
		Duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "agentc_decision_duration_seconds", Help: "How long a decision took, its record included.",
			Buckets: prometheus.ExponentialBuckets(0.00005, 2, 16), // 50 µs to 1.6 s
		}),
		Refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agentc_requests_refused_total", Help: "Requests that got no decision, by why."}, []string{"why"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "agentc_bundle_activation_failures_total", Help: "Bundles that were offered and refused."}),
		notices:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agentc_notices_total", Help: "Steps of escalations that people hear of, by what became of the message."}, []string{"outcome"}),
		clicks:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agentc_clicks_total", Help: "Clicks on buttons in a chat, by what became of them."}, []string{"outcome"}),
		Registry: prometheus.NewRegistry(),
	}
	for _, v := range verdicts {
		m.Decisions.WithLabelValues(v)
	}
	for _, why := range refusals {
		m.Refused.WithLabelValues(why)
	}
	m.Registry.MustRegister(m.Decisions, m.Duration, m.Refused, m.failures, m.notices, m.clicks)
	return m
}

// Bundle hears of bundles; it fits loader.Loader's Changed.
func (m *Metrics) Bundle(e loader.Event) {
	if e.Err != nil {
		m.failures.Inc()
	}
}

// Notified is what became of a message to people.
func (m *Metrics) Notified(outcome string) { m.notices.WithLabelValues(outcome).Inc() }

// Clicked is what became of a click.
func (m *Metrics) Clicked(outcome string) { m.clicks.WithLabelValues(outcome).Inc() }

// Sources of what is read when somebody looks. Nil: there is no such thing here.
type Sources struct {
	Bundle      func() loader.Status
	Escalations func(context.Context) (pending int, oldest time.Time, err error)
	Certificate func() time.Time // when it ends
	AuditLag    func() time.Duration
	Now         func() time.Time
}

// Read adds gauges that are read at each scrape.
func (m *Metrics) Read(s Sources) {
	gauge := func(name, help string, value func() float64) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	if s.Bundle != nil {
		gauge("agentc_bundle_sequence", "Sequence of the bundle in force.", func() float64 { return float64(s.Bundle().Sequence) })
		gauge("agentc_bundle_age_seconds", "Seconds since the source last confirmed that the bundle in force is the current one.", func() float64 {
			status := s.Bundle()
			if status.Confirmed.IsZero() {
				status.Confirmed = status.Since
			}
			return s.Now().Sub(status.Confirmed).Seconds()
		})
	}
	if s.Escalations != nil {
		m.Registry.MustRegister(&escalations{s})
	}
	if s.Certificate != nil {
		gauge("agentc_certificate_expiry_seconds", "Seconds until the certificate in use ends; negative afterwards.", func() float64 { return s.Certificate().Sub(s.Now()).Seconds() })
	}
	if s.AuditLag != nil {
		gauge("agentc_audit_lag_seconds", "Seconds since the oldest record that is not yet in the audit log was made.", func() float64 { return s.AuditLag().Seconds() })
	}
}

// escalations asks the store once for both of its gauges. Where the store is away there is no value: an old one would look like a quiet day.
type escalations struct{ Sources }

var (
	pending = prometheus.NewDesc("agentc_escalations_pending", "Escalations that wait for a human.", nil, nil)
	oldest  = prometheus.NewDesc("agentc_escalation_oldest_seconds", "Seconds that the oldest of them has waited; 0 where there is none.", nil, nil)
)

func (e *escalations) Describe(ch chan<- *prometheus.Desc) { ch <- pending; ch <- oldest }

func (e *escalations) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n, since, err := e.Escalations(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(pending, err)
		ch <- prometheus.NewInvalidMetric(oldest, err)
		return
	}
	waited := 0.0
	if n > 0 {
		waited = e.Now().Sub(since).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(pending, prometheus.GaugeValue, float64(n))
	ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, waited)
}
