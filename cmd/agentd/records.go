package main

import (
	"context"

	"agentc/decision/escalation"
	"agentc/decision/intake"
	"agentc/decision/loader"
	"agentc/decision/point"
	"agentc/decision/record"
	"agentc/forest/prefilter"
)

// What goes into the decision log: decisions, before they are given; everything else, once it has happened.

// record a decision. Whoever gets an error must not execute it.
func (d *daemon) record(ctx context.Context, decision *point.Decision) error {
	if d.unrecorded {
		return nil
	}
	return d.records.Append(ctx, point.RecordOf(decision))
}

// note what has happened. That it cannot be written undoes nothing, and is told.
func (d *daemon) note(r record.Record) (written bool) {
	err := d.records.Append(context.Background(), r)
	if err != nil {
		d.log.Error("what has happened is not in the decision log", "kind", r.Kind, "trace_id", r.TraceID, "result", r.Result, "error", err)
	}
	return err == nil
}

// held hears of a quarantine that began or ended here: it holds at once, and is noted.
func (d *daemon) held(q escalation.Quarantine, lifted bool) {
	ctx, cancel := context.WithTimeout(context.Background(), quarantineEvery)
	defer cancel()
	d.look("it is not known who is in quarantine", d.quarantines.Look)(ctx)
	d.note(record.Record{
		Kind: record.KindQuarantine, Timestamp: q.Since, Callee: q.Agent,
		Result: record.Quarantine{Agent: q.Agent, Lifted: lifted, By: q.By, Reason: q.Reason, Until: q.Until},
	})
}

// bundleChanged hears of a bundle that was taken or refused. One that is refused is offered again at every look, for days perhaps, and noted once.
func (d *daemon) bundleChanged(e loader.Event) {
	d.metrics.Bundle(e)
	select {
	case d.changed <- struct{}{}:
	default: // whoever looks will see this one, too
	}
	a := record.Activation{State: record.Activated, Revision: e.Revision, Sequence: e.Sequence, Digest: e.Digest}
	if e.Err != nil {
		a.State, a.Why = record.Refused, e.Err.Error()
	}
	if e.Err != nil && a == d.recorded {
		return
	}
	if d.note(record.Record{Kind: record.KindBundle, BundleSequence: e.Sequence, Result: a}) {
		d.recorded = a
	}
}

// stepped hears of each step that an escalation took here.
func (d *daemon) stepped(e escalation.Escalation, from escalation.State, step escalation.Step) {
	d.note(record.Record{
		Kind: record.KindEscalation, Timestamp: step.At, TraceID: e.TraceID, DecisionID: e.DecisionID, ApprovalID: e.ID, ActionDigest: e.Digest, Caller: e.Caller, Callee: e.Callee, Skill: e.Skill,
		Result: record.Escalation{ID: e.ID, From: string(from), To: string(step.State), By: step.By, Via: step.Via, Reason: step.Note},
	})
}

// filtered hears of each event that an intake took.
func (d *daemon) filtered(e intake.Event) {
	result := record.Event{
		Intake: e.Intake, Agent: e.Agent, Percentile: e.Percentile, Threshold: e.Threshold, Passed: e.Outcome == intake.Passed, Why: whyOf(e),
	}
	for _, f := range e.Features {
		result.Features = append(result.Features, record.Feature{Feature: f.Feature, Value: float64(f.Value), Credit: f.Credit})
	}
	d.note(record.Record{
		Kind: record.KindEvent, Timestamp: e.Time, TraceID: e.TraceID, Callee: e.Agent, Skill: e.Skill, Rules: e.Rules, BundleSequence: e.Sequence, Result: result,
		Labels: map[string]string{"message_id": e.MessageID, "uuid": e.UUID, "digest": e.Digest},
	})
}

func whyOf(e intake.Event) string {
	for _, why := range []string{e.Error, e.Damaged, e.Failure} {
		if why != "" {
			return why
		}
	}
	if e.Why == prefilter.Below {
		return "below the threshold"
	}
	return string(e.Why)
}
