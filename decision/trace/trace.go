// Package trace tells what became of one event: from the intake through agents, decisions and people to the outcome, out of the decision logs of all
// replicas. Beside them it puts what the network saw: connections on which nothing was decided, and decisions on connections that nobody saw.
package trace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"agentc/decision/record"
)

// Report of one trace, of the network, or of both.
type Report struct {
	TraceID string   `json:"trace_id,omitempty"`
	Steps   []Step   `json:"steps,omitempty"` // by time
	Outcome string   `json:"outcome,omitempty"`
	Network *Network `json:"network,omitempty"` // nil: nobody gave flows
	Passed  int      `json:"passed_over"`       // lines of logs that are no records
}

// Step is one record of a trace.
type Step struct {
	Time    time.Time    `json:"time"`
	Log     string       `json:"log"` // folder
	Seq     uint64       `json:"seq"`
	Kind    string       `json:"kind"`
	Who     string       `json:"who"`
	What    string       `json:"what"`
	TraceID string       `json:"trace_id,omitempty"` // where it is another one: the approved action came again under it
	Seen    *Connection  `json:"seen,omitempty"`     // by Hubble
	Record  record.Entry `json:"record"`
}

// Query says what is told of.
type Query struct {
	TraceID string        // empty: the network only
	Logs    []string      // folders of the replicas
	Flows   *Flows        // nil: none
	Window  time.Duration // by which clocks of decisions and flows may differ
	Port    uint16        // that guards listen on
}

// Tell reads the logs.
func Tell(q Query) (*Report, error) {
	r := &reading{query: q, approvals: map[string]bool{}}
	report := &Report{TraceID: q.TraceID}
	for _, dir := range q.Logs {
		passed, err := record.Read(dir, func(e record.Entry) error { r.take(dir, e); return nil })
		if err != nil {
			return nil, err
		}
		report.Passed += passed
	}
	for _, s := range r.approved { // an approval leads from one trace to the next
		if r.approvals[s.Record.ApprovalID] {
			r.steps = append(r.steps, s)
		}
	}
	if q.Flows != nil {
		report.Network = q.Flows.join(r.decisions, r.steps, q.Window, q.Port)
	}
	slices.SortStableFunc(r.steps, func(a, b Step) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Log, b.Log), cmp.Compare(a.Seq, b.Seq))
	})
	report.Steps, report.Outcome = r.steps, outcomeOf(r.steps)
	return report, nil
}

// reading collects what is needed of the logs: the trace, and of other records little.
type reading struct {
	query     Query
	steps     []Step
	approvals map[string]bool // that the trace speaks of
	approved  []Step          // of other traces, that speak of approvals
	decisions []Decision      // with addresses, when flows are joined
}

func (r *reading) take(dir string, e record.Entry) {
	if r.query.Flows != nil && e.Kind == record.KindDecision {
		if d, is := decisionOf(dir, e); is {
			r.decisions = append(r.decisions, d)
		}
	}
	switch {
	case r.query.TraceID == "":
	case e.TraceID == r.query.TraceID:
		if e.ApprovalID != "" {
			r.approvals[e.ApprovalID] = true
		}
		r.steps = append(r.steps, stepOf(dir, e))
	case e.ApprovalID != "":
		s := stepOf(dir, e)
		s.TraceID = e.TraceID
		r.approved = append(r.approved, s)
	}
}

// Decision on a connection.
type Decision struct {
	Time        time.Time      `json:"time"`
	Log         string         `json:"log"`
	Seq         uint64         `json:"seq"`
	TraceID     string         `json:"trace_id,omitempty"`
	Verdict     string         `json:"verdict"`
	Caller      string         `json:"caller"`
	Callee      string         `json:"callee"`
	Skill       string         `json:"skill,omitempty"`
	Source      netip.AddrPort `json:"source"`
	Destination netip.AddrPort `json:"destination"`
}

// decisionOf a record; false: it does not say between whom, as those that were only asked about do not.
func decisionOf(dir string, e record.Entry) (Decision, bool) {
	source, err1 := netip.ParseAddrPort(e.Source)
	destination, err2 := netip.ParseAddrPort(e.Destination)
	return Decision{e.Timestamp, dir, e.Seq, e.TraceID, e.Verdict, e.Caller, e.Callee, e.Skill, unmapped(source), unmapped(destination)}, err1 == nil && err2 == nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func stepOf(dir string, e record.Entry) Step {
	s := Step{Time: e.Timestamp, Log: dir, Seq: e.Seq, Kind: e.Kind, Record: e}
	s.Who, s.What = said(e)
	return s
}

// said puts a record in words.
func said(e record.Entry) (who, what string) {
	switch e.Kind {
	case record.KindDecision:
		what = e.Verdict + by(strings.Join(e.Rules, ", "))
		if e.ApprovalID != "" {
			what += approvalSaid(e)
		}
		return arrow(short(e.Caller), skillOf(e)), what
	case record.KindEvent:
		if v, is := result[record.Event](e); is {
			return arrow(v.Intake, v.Agent), eventSaid(v)
		}
	case record.KindEscalation:
		if v, is := result[record.Escalation](e); is {
			return arrow(short(e.Caller), skillOf(e)), escalationSaid(v)
		}
	case record.KindQuarantine:
		if v, is := result[record.Quarantine](e); is {
			return v.Agent, quarantineSaid(v)
		}
	case record.KindBundle:
		if v, is := result[record.Activation](e); is {
			return "bundle", strings.TrimSpace(fmt.Sprintf("%s: revision %s, sequence %d%s", v.State, v.Revision, v.Sequence, because(v.Why)))
		}
	case record.KindOutcome:
		if v, is := result[record.Outcome](e); is {
			what = v.State
			if v.Status != 0 {
				what += fmt.Sprintf(" (status %d)", v.Status)
			}
			return arrow(short(e.Caller), skillOf(e)), what + because(v.Why)
		}
	}
	return arrow(short(e.Caller), skillOf(e)), string(e.Result)
}

// approvalSaid of a decision: people are asked, or they have allowed it.
func approvalSaid(e record.Entry) string {
	if v, is := result[struct{ Decision bool }](e); is && v.Decision {
		return "; allowed, once, by approval " + e.ApprovalID
	}
	return "; approval " + e.ApprovalID
}

func result[T any](e record.Entry) (v T, is bool) {
	return v, json.Unmarshal(e.Result, &v) == nil
}

func eventSaid(v record.Event) string {
	what := "dropped"
	if v.Passed {
		what = "passed on"
	}
	if v.Percentile != nil {
		what += fmt.Sprintf("; percentile %.6g", *v.Percentile)
	} else {
		what += "; percentile unknown"
	}
	if v.Threshold != nil {
		what += fmt.Sprintf(", threshold %.6g", *v.Threshold)
	}
	what += because(v.Why)
	var features []string
	for _, f := range v.Features {
		features = append(features, fmt.Sprintf("%s %.4g", f.Feature, f.Value))
	}
	if len(features) > 0 {
		what += " (" + strings.Join(features, ", ") + ")"
	}
	return what
}

func escalationSaid(v record.Escalation) string {
	what := "created"
	if v.From != "" {
		what = v.From + " → " + v.To
		if v.From == v.To {
			what = v.To + ", a vote"
		}
	}
	what += by(short(v.By))
	if v.Via != "" {
		what += " via " + v.Via
	}
	return what + because(v.Reason) + "; approval " + v.ID
}

func quarantineSaid(v record.Quarantine) string {
	what := "imposed"
	if v.Lifted {
		what = "lifted"
	}
	what += by(v.By) + because(v.Reason)
	if !v.Until.IsZero() {
		what += ", until " + v.Until.UTC().Format(time.RFC3339)
	}
	return what
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func arrow(from, to string) string {
	switch {
	case from == "":
		return to
	case to == "":
		return from
	}
	return from + " → " + to
}

func skillOf(e record.Entry) string {
	if e.Skill == "" {
		return e.Callee
	}
	return e.Callee + "/" + e.Skill
}

// short is the service account of a SPIFFE id that has one: people know agents by it.
func short(id string) string {
	if _, account, found := strings.Cut(id, "/sa/"); found && strings.HasPrefix(id, "spiffe://") {
		return account
	}
	return id
}

// outcomeOf a trace is what was known last. What was forwarded counts before what was decided.
func outcomeOf(steps []Step) string {
	for _, kind := range []string{record.KindOutcome, record.KindEscalation, record.KindDecision, record.KindEvent} {
		for _, s := range slices.Backward(steps) {
			switch {
			case s.Kind != kind:
			case kind == record.KindOutcome:
				return s.What
			default:
				return kind + ": " + s.What
			}
		}
	}
	return ""
}
