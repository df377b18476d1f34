package point

import (
	"errors"
	"testing"

	"agentc/decision/engine"
	"agentc/decision/escalation"
)

// TestUsable: an approval that a guard uses up by itself counts only as long as it would count in a new question, and is recorded first.
func TestUsable(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*rig, *escalation.Escalation)
		want  string // empty: it may be used
	}{
		"as it was approved":       {func(*rig, *escalation.Escalation) {}, ""},
		"the caller is held":       {func(r *rig, _ *escalation.Escalation) { r.held["coordinator"] = "odd" }, RuleQuarantined},
		"nobody knows who is held": {func(r *rig, _ *escalation.Escalation) { r.listing = errors.New("away") }, RuleQuarantineUnknown},
		"it cannot be recorded":    {func(r *rig, _ *escalation.Escalation) { r.log = errors.New("full") }, RuleUnrecorded},
		"another environment":      {func(_ *rig, e *escalation.Escalation) { e.Environment = "dev" }, RuleOldTerms},
		"more must agree by now": {func(r *rig, e *escalation.Escalation) {
			e.Revision, r.bundle.Fleet.Escalation.Routes["oncall"].Quorum = "older", 2
		}, RuleOldTerms},
		"the policy rejects it now": {func(_ *rig, e *escalation.Escalation) {
			e.Action = []byte(`{"parameters": {"namespace": "kube-system"}}`)
		}, "reviewers.soc.reject"},
		"nothing was known":     {func(_ *rig, e *escalation.Escalation) { e.Known = []byte("null") }, ""},
		"nothing can be read":   {func(_ *rig, e *escalation.Escalation) { e.Action = nil }, engine.Failed},
		"the callee is no more": {func(r *rig, _ *escalation.Escalation) { delete(r.bundle.Fleet.Fleet.Agents, "remediate") }, engine.Failed},
	} {
		r := newRig(t)
		if _, err := r.Decide(t.Context(), r.bundle, contain()); err != nil || len(r.requested) != 1 {
			t.Fatal(err)
		}
		e := escalation.Escalation{ID: "e1", Request: r.requested[0], State: escalation.Approved}
		r.records = nil
		c.spoil(r, &e)
		err := r.Usable(t.Context(), e)
		var refusal *escalation.Refusal
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &refusal) || refusal.Rule != c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if c.want != engine.Failed && (len(r.records) != 1 || r.records[0].Approval != "e1") {
			t.Errorf("%s: %d records", name, len(r.records))
		}
	}
}
