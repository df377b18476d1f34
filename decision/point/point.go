// Package point is the decision point: it answers whether an action may be done now, by the bundle in force, by who asks, and by what people said; and it
// leaves a record of each answer. Whatever fails on the way is a rejection that names what failed:
//
//	no bundle, or one that is over       nothing is answered at all
//	an evaluation that fails             failed
//	quarantines that cannot be read      quarantine-unknown
//	a record that cannot be written      unrecorded
//	people who cannot be asked           escalation-failed, or the refusal of decision/escalation
package point

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"agentc/decision/engine"
	"agentc/decision/escalation"
	"agentc/decision/loader"
	"agentc/decision/tracing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Point decides. Its fields do not change once it is in use.
type Point struct {
	Bundle      func() (*loader.InForce, error)
	Escalations Escalations
	Quarantined func(agent string) (why string, err error) // empty: it is not
	Record      func(context.Context, *Decision) error     // nil error: it is where a crash cannot reach it
	Decided     func(*Decision)                            // hears of every decision; nil: nobody does
	Tracer      trace.Tracer
	Now         func() time.Time
}

// Escalations that people decide on: decision/escalation.
type Escalations interface {
	Request(context.Context, escalation.Request) (escalation.Escalation, error)
	Get(ctx context.Context, id string) (escalation.Escalation, error)
	Consume(ctx context.Context, id, digest, caller string) (escalation.Escalation, error)
}

// Asked is a question and whom it comes from.
type Asked struct {
	engine.Question
	By        By
	TraceID   string
	RequestID string
	Approval  string // id of the escalation by which people approved the action; empty: none
}

// By says who asks.
type By struct {
	ID       string // SPIFFE id
	Anybody  bool   // whoever asks is believed: on one's own machine
	From, To string // the connection's two ends, address:port
}

// Decision is the answer.
type Decision struct {
	Asked
	engine.Answer
	Allowed   bool
	ID        string
	At        time.Time
	Bundle    *loader.InForce
	Digest    string                 // of the action; empty where nobody needed it
	Approved  *escalation.Escalation // that was consumed for it
	Requested *escalation.Escalation // that people were asked by
	Took      time.Duration
}

// The rules of answers that no bundle gives.
const (
	RuleQuarantined       = "quarantined"
	RuleQuarantineUnknown = "quarantine-unknown"
	RuleUnrecorded        = "unrecorded"
	RuleEscalationFailed  = "escalation-failed"
	RuleNoRoute           = "no-route"
	RuleOldTerms          = "old-terms"
)

// Forbidden is a question that its asker may not ask.
type Forbidden struct{ Reason string }

func (f *Forbidden) Error() string { return f.Reason }

// Decide answers. What is escalated is put before people, unless they approved it already. An error is no answer: *Forbidden, or there is no bundle to answer by.
func (p *Point) Decide(ctx context.Context, f *loader.InForce, a Asked) (*Decision, error) {
	ctx, span := p.Tracer.Start(tracing.Under(ctx, a.TraceID), "decide")
	defer span.End()
	d, err := p.judge(ctx, f, a)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return nil, err
	}
	switch {
	case d.Verdict == engine.Escalate && a.Approval != "":
		p.consume(ctx, d)
	case d.Verdict == engine.Escalate:
		p.request(ctx, d)
		p.record(ctx, d)
	default:
		p.record(ctx, d)
	}
	d.Took = p.Now().Sub(d.At)
	if span.IsRecording() {
		span.SetAttributes(d.attributes()...)
	}
	if p.Decided != nil {
		p.Decided(d)
	}
	return d, nil
}

// Preview says what would be decided. Nothing comes of it: no record, and an approval that it names is not looked at.
func (p *Point) Preview(ctx context.Context, f *loader.InForce, a Asked) (*Decision, error) {
	return p.judge(ctx, f, a)
}

func (d *Decision) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("agentd.verdict", d.Verdict), attribute.StringSlice("agentd.rules", d.Rules), attribute.Bool("agentd.allowed", d.Allowed),
		attribute.String("agentd.caller", d.Subject.ID), attribute.String("agentd.callee", d.Resource.ID), attribute.String("agentd.skill", d.Action),
		attribute.String("agentd.decision_id", d.ID),
	}
}

// judge by the bundle and the quarantines.
func (p *Point) judge(ctx context.Context, f *loader.InForce, a Asked) (*Decision, error) {
	a.Context = maps.Clone(a.Context)
	if a.Context == nil {
		a.Context = map[string]any{}
	}
	if err := a.permitted(f); err != nil {
		return nil, err
	}
	now := p.Now().UTC()
	a.Context["today"], a.Context["hour"] = now.Format(time.DateOnly), now.Hour()
	d := &Decision{Asked: a, ID: newID(), At: now, Bundle: f}
	if rule, why := p.quarantine(f, a); rule != "" {
		d.reject(rule, why)
		return d, nil
	}
	d.Answer = f.Decide(ctx, a.Question)
	d.Allowed = d.Verdict == engine.Execute
	return d, nil
}

// permitted says whether the asker may ask this, and takes out of the question what only others may say. An agent asks for itself; the guard of the resource, which
// has the resource's own id, asks for whoever calls it, and knows how unusual the event was.
func (a *Asked) permitted(f *loader.InForce) error {
	if a.By.Anybody {
		return nil
	}
	if callee := f.Fleet.Agent(a.Resource.ID); callee != nil && a.By.ID != "" && callee.ID == a.By.ID {
		return nil
	}
	if a.By.ID == "" || a.By.ID != a.Subject.ID {
		return &Forbidden{"you may ask for yourself, or, as the guard of the resource, for those who call it"}
	}
	delete(a.Context, "anomaly")
	return nil
}

// quarantine of the caller or of the callee.
func (p *Point) quarantine(f *loader.InForce, a Asked) (rule, why string) {
	names := []string{a.Resource.ID}
	if callee := f.Fleet.Agent(a.Resource.ID); callee != nil && callee.Callers[a.Subject.ID] != nil {
		names = append(names, callee.Callers[a.Subject.ID].Agent)
	}
	for _, name := range names {
		switch reason, err := p.Quarantined(name); {
		case err != nil:
			return RuleQuarantineUnknown, "It is not known who is in quarantine: " + err.Error()
		case reason != "":
			return RuleQuarantined, name + " is in quarantine: " + reason
		}
	}
	return "", ""
}

// consume what people approved, for this one action. The record is written first: an approval is not spent on an action that nobody could account for.
func (p *Point) consume(ctx context.Context, d *Decision) {
	digest, _, err := d.action()
	if err != nil {
		d.reject(RuleEscalationFailed, err.Error())
		p.record(ctx, d)
		return
	}
	e, err := p.Escalations.Get(ctx, d.Approval)
	if err == nil {
		err = d.enough(&e)
	}
	if err == nil {
		err = e.Serves(digest, d.Subject.ID)
	}
	if err == nil {
		d.Digest, d.Allowed = digest, true
		if p.record(ctx, d); !d.Allowed {
			return
		}
		e, err = p.Escalations.Consume(ctx, d.Approval, digest, d.Subject.ID)
	}
	if err != nil {
		d.refuse("The approval does not count", err)
		p.record(ctx, d)
		return
	}
	d.Approved = &e
}

// enough says whether an approval is one by the bundle in force, too: what people agreed to under an older one does not count where more of them, or others, or people better
// known must; and never where it was another environment's.
func (d *Decision) enough(e *escalation.Escalation) error {
	f := d.Bundle.Fleet
	if e.Environment != f.Environment.Name {
		return &escalation.Refusal{Rule: RuleOldTerms, Reason: "It was approved in another environment."}
	}
	if e.Revision == d.Bundle.Manifest.Revision {
		return nil
	}
	route := f.Escalation.Routes[e.Route]
	if route == nil || !leads(&f.Escalation, d.Route, e.Route) || route.Quorum != e.Quorum || !alike(route.Approvers, e.Groups) ||
		!alike(owners(f, d), e.Owners) || assurance(d.Risk) == escalation.Verified && e.Assurance != escalation.Verified {
		return &escalation.Refusal{Rule: RuleOldTerms, Reason: "It was approved under an older policy, which asked others or fewer."}
	}
	return nil
}

func alike(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// request people's decision.
func (p *Point) request(ctx context.Context, d *Decision) {
	r, err := d.asking()
	if err == nil {
		var e escalation.Escalation
		if e, err = p.Escalations.Request(ctx, r); err == nil {
			d.Digest, d.Requested, d.Route = r.Digest, &e, e.Route
			return
		}
	}
	d.refuse("People are not asked", err)
}

// refuse by what a store of escalations says.
func (d *Decision) refuse(what string, err error) {
	rule := RuleEscalationFailed
	var refusal *escalation.Refusal
	if errors.As(err, &refusal) {
		rule, err = refusal.Rule, errors.New(refusal.Reason)
	}
	d.reject(rule, fmt.Sprintf("%s: %v", what, err))
}

func (d *Decision) reject(rule, reason string) {
	d.Allowed = false
	d.Answer = engine.Answer{Verdict: engine.Reject, Rules: []string{rule}, Reasons: []engine.Reason{{Rule: rule, Reason: reason}}, Risk: d.Risk}
}

// record the decision. What cannot be recorded is not executed.
func (p *Point) record(ctx context.Context, d *Decision) {
	if err := p.Record(ctx, d); err != nil && d.Allowed {
		d.reject(RuleUnrecorded, fmt.Sprintf("The decision cannot be recorded: %v", err))
	}
}

// newID names a decision.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
