package point

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentc/decision/engine"
	"agentc/decision/record"
)

// TestRecordOf: who asked whom for what, and what came of it, without what was in the message.
func TestRecordOf(t *testing.T) {
	r, a := newRig(t), contain()
	a.Context["message"], a.RequestID = map[string]any{"parts": []any{map[string]any{"text": "hello"}}}, "r-1"
	a.Properties.Subject = map[string]any{"token": "hunter2"}
	d, err := r.Decide(t.Context(), r.bundle, a)
	if err != nil {
		t.Fatal(err)
	}
	rec := RecordOf(d)
	if rec.Verdict != engine.Escalate || rec.ApprovalID != "e1" || rec.ActionDigest != d.Digest || rec.Bundles["prod"].Revision == "" || rec.RequestedBy != a.By.ID || rec.Caller != a.Subject.ID ||
		rec.TraceID != a.TraceID || rec.Labels["request_id"] != "r-1" {
		t.Errorf("%+v", rec)
	}
	dir := t.TempDir()
	l, err := record.Open(dir, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "log", "*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for word, told := range map[string]bool{"hello": false, "hunter2": false, "shop": false, "99.2": true, "/input/context/message": true, "/input/subject/properties": true} {
		if strings.Contains(string(text), word) != told {
			t.Errorf("%q is told: %t, in %s", word, !told, text)
		}
	}
}
