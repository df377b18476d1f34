package point

import (
	"encoding/json"
	"strings"
	"testing"

	"agentc/decision/engine"
)

// TestRecordOf: who asked whom for what, and what came of it, without what was in the message.
func TestRecordOf(t *testing.T) {
	r, a := newRig(t), contain()
	a.Context["message"], a.Context["se/cret"] = map[string]any{"parts": []any{map[string]any{"text": "hello"}}}, "x"
	a.Properties.Subject = map[string]any{"token": "secret"}
	d, err := r.Decide(t.Context(), r.bundle, a)
	if err != nil {
		t.Fatal(err)
	}
	rec := RecordOf(d, nil)
	data, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"shop", "hello", "secret\"", `"x"`} {
		if strings.Contains(string(data), word) {
			t.Errorf("%s tells %s", data, word)
		}
	}
	if strings.Join(rec.Erased, " ") != "/input/context/message /input/context/parameters /input/context/se~1cret /input/subject/properties" || rec.Verdict != engine.Escalate ||
		rec.ApprovalID != "e1" || rec.ActionDigest != d.Digest || rec.Bundles["prod"].Revision == "" || rec.RequestedBy != a.By.ID || rec.Caller != a.Subject.ID || rec.TraceID != a.TraceID ||
		!strings.Contains(string(data), `"percentile":99.2`) {
		t.Errorf("%s", data)
	}
	if data, err := json.Marshal(RecordOf(d, []string{"parameters"})); err != nil || !strings.Contains(string(data), `"namespace":"shop"`) {
		t.Errorf("%s, %v", data, err)
	}
}
