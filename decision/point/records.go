package point

import (
	"maps"
	"slices"
	"strings"

	"agentc/decision/record"
)

// written are the parts of a question's context that are. Everything else might be somebody's data, and is named without being told.
var written = []string{"anomaly", "confidence", "hour", "today", "trace_id"}

// RecordOf a decision. More of the context is kept where somebody names it: `parameters`.
func RecordOf(d *Decision, keep []string) record.Record {
	m := d.Bundle.Manifest
	context, erased := map[string]any{}, []string(nil)
	for _, name := range slices.Sorted(maps.Keys(d.Context)) {
		if slices.Contains(written, name) || slices.Contains(keep, name) {
			context[name] = d.Context[name]
		} else {
			erased = append(erased, "/input/context/"+escape(name))
		}
	}
	for name, properties := range map[string]map[string]any{"action": d.Properties.Action, "resource": d.Properties.Resource, "subject": d.Properties.Subject} {
		if properties != nil {
			erased = append(erased, "/input/"+name+"/properties")
		}
	}
	slices.Sort(erased)
	approval := d.Approval
	if d.Requested != nil {
		approval = d.Requested.ID
	}
	return record.Record{
		Kind: record.Decision, Timestamp: d.At, DecisionID: d.ID, TraceID: d.TraceID, RequestID: d.RequestID,
		Bundles: map[string]record.Revision{m.Metadata.Environment: {Revision: m.Revision}}, Sequence: m.Metadata.Sequence, Path: "agentc/decision",
		Input: map[string]any{
			"subject": map[string]string{"type": d.Subject.Type, "id": d.Subject.ID}, "action": map[string]string{"name": d.Action},
			"resource": map[string]string{"type": d.Resource.Type, "id": d.Resource.ID}, "context": context,
		},
		Erased: erased, Result: map[string]any{"decision": d.Allowed, "reasons": d.Reasons, "route": d.Route, "risk": d.Risk},
		RequestedBy: d.By.ID, Source: d.By.From, Destination: d.By.To,
		Verdict: d.Verdict, Rules: d.Rules, Caller: d.Subject.ID, Callee: d.Resource.ID, Skill: d.Action, ActionDigest: d.Digest, ApprovalID: approval,
	}
}

// escape a name in a JSON pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
