package point

import "agentc/decision/record"

// RecordOf a decision. What is written of the question's context is the log's to say.
func RecordOf(d *Decision) record.Record {
	m := d.Bundle.Manifest
	approval := d.Approval
	if d.Requested != nil {
		approval = d.Requested.ID
	}
	r := record.Record{
		Kind: record.KindDecision, Timestamp: d.At, DecisionID: d.ID, TraceID: d.TraceID, RequestedBy: d.By.ID, Source: d.By.From, Destination: d.By.To,
		Bundles: map[string]record.Bundle{m.Metadata.Environment: {Revision: m.Revision}}, BundleSequence: m.Metadata.Sequence, Path: "agentc/decision",
		Input:  inputOf(d),
		Result: map[string]any{"decision": d.Allowed, "reasons": d.Reasons, "route": d.Route, "risk": d.Risk},

		Verdict: d.Verdict, Rules: d.Rules, Caller: d.Subject.ID, Callee: d.Resource.ID, Skill: d.Action, ActionDigest: d.Digest, ApprovalID: approval,
	}
	if d.RequestID != "" {
		r.Labels = map[string]string{"request_id": d.RequestID}
	}
	return r
}

func inputOf(d *Decision) map[string]any {
	p := d.Properties
	return map[string]any{
		"subject":  with(p.Subject, map[string]any{"type": d.Subject.Type, "id": d.Subject.ID}),
		"action":   with(p.Action, map[string]any{"name": d.Action}),
		"resource": with(p.Resource, map[string]any{"type": d.Resource.Type, "id": d.Resource.ID}),
		"context":  d.Context,
	}
}

func with(properties, part map[string]any) map[string]any {
	if properties != nil {
		part["properties"] = properties
	}
	return part
}
