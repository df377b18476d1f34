package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Series selects one metric of the fleet in PromQL.
func (s *scope) Series(metric string, matchers ...string) string {
	all := append([]string{fmt.Sprintf("fleet=%q,environment=%q", s.Env.Fleet, s.Env.Name)}, matchers...)
	return metric + "{" + strings.Join(all, ",") + "}"
}

// ErrorRate is the query by which a canary is judged.
func (s *scope) ErrorRate() string {
	calls := func(outcomes string) string {
		return "sum(increase(" + s.Series("agentc_guard_requests_total", fmt.Sprintf("agent=%q", s.W.Name),
			`pod=~"`+s.W.Name+`-{{args.canary-hash}}-.+"`, fmt.Sprintf("outcome=~%q", outcomes)) + "[5m]))"
	}
	all := calls("ok|failed")
	return "(" + calls("failed") + " or " + all + " * 0) / clamp_min(" + all + ", 1)"
}

// Alert is one rule of Prometheus.
func (s *scope) Alert(name, lasts, severity, owns, expr string) (string, error) {
	head, err := quoted(map[string]any{"alert": name, "expr": expr, "for": lasts, "labels": map[string]string{
		"severity": severity, "team": s.Env.Platform.Owners[owns], "fleet": s.Env.Fleet, "environment": s.Env.Name,
	}})
	return strings.TrimSuffix(head, "}") + `, "annotations": {"summary": !people , "runbook": !people }}`, err
}

// HalfRenewal is in seconds: a certificate that has no more left was not renewed in time.
func (s *scope) HalfRenewal() (int64, error) {
	d, err := time.ParseDuration(s.Env.Identity.RenewBefore)
	return int64(d / 2 / time.Second), err
}

// HalfLifetime of an escalation, in seconds.
func (s *scope) HalfLifetime() int64 {
	return int64(milliseconds(s.Env.Decisions.Escalation.LifetimeMs) / 2 / time.Second)
}

// DashboardID is by which Grafana knows the dashboard.
func (s *scope) DashboardID() string {
	sum := sha256.Sum256([]byte(s.Env.Fleet + "-" + s.Env.Name))
	return "agents-" + hex.EncodeToString(sum[:])[:16]
}
