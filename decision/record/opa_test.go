package record

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestNames: a full record has Open Policy Agent's names (EventV1 of its plugins/logs) and ours, and no other.
func TestNames(t *testing.T) {
	opa := []string{
		"labels", "decision_id", "trace_id", "span_id", "bundles", "path", "query", "input", "result", "erased", "masked", "requested_by", "timestamp", "req_id",
	}
	ours := []string{
		"seq", "prev_hash", "kind", "verdict", "rules", "caller", "callee", "skill", "action_digest", "approval_id", "bundle_sequence", "source", "destination",
	}
	dir := t.TempDir()
	l := opened(t, dir, Options{})
	r := usual()
	r.Labels, r.SpanID, r.Query, r.RequestedBy, r.RequestID, r.Masked = map[string]string{"id": "agentd-0"}, "b7ad6b7169203331", "data.agentc.decision", "10.0.0.7", 9, []string{"/input/x"}
	r.ActionDigest, r.ApprovalID = "sha256:00", "4be1"
	if err := l.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, lines := linesIn(t, dir)
	var got map[string]any
	if err := json.Unmarshal(lines[0][1], &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(opa, ours) {
		if _, there := got[name]; !there {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("nobody knows %v", got)
	}
}
