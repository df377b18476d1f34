package record

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInput: what is written of a question, and how the rest is named.
func TestInput(t *testing.T) {
	many := map[string]any{}
	for i := range 40 {
		many[fmt.Sprintf("n%02d", i)] = "secret"
	}
	for name, c := range map[string]struct {
		keep             []string
		in, want, erased string
	}{
		"usual": {nil,
			`{"subject": {"type": "agent", "id": "spiffe://x"}, "action": {"name": "isolate", "properties": {"a": 1}}, "resource": {"type": "agent", "id": "r"},
				"context": {"trace_id": "t", "confidence": 0.9, "anomaly": {"percentile": 99, "score": -1}, "hour": 3, "today": "2026-01-01", "parameters": {"text": "secret"}}}`,
			`{"action":{"name":"isolate"},"context":{"anomaly":{"percentile":99},"confidence":0.9,"hour":3,"today":"2026-01-01","trace_id":"t"},"resource":{"id":"r","type":"agent"},"subject":{"id":"spiffe://x","type":"agent"}}`,
			`/input/action/properties /input/context/anomaly/score /input/context/parameters`},
		"asked for": {[]string{"/context/parameters/namespace", "/context/a~1b"},
			`{"context": {"parameters": {"namespace": {"x": [1]}, "text": "secret"}, "a/b": [2], "c~d/e": 1}}`,
			`{"context":{"a/b":[2],"parameters":{"namespace":{"x":[1]}}}}`,
			`/input/context/parameters/text /input/context/c~0d~1e`},
		"text where none belongs": {nil,
			`{"subject": {"id": {"text": "secret"}}, "action": ["secret"], "resource": "secret", "context": {"confidence": ["secret"], "hour": "` + strings.Repeat("s", 600) + `"}}`,
			`{"context":{},"subject":{}}`, `/input/context/confidence /input/context/hour /input/subject/id /input/action /input/resource`},
		"text as names": {nil, `{"context": {"` + strings.Repeat("secret", 20) + `": 1, "b": 2}}`, `{"context":{}}`, `/input/context/b /input/context/*`},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := newKeep(c.keep)
			if err != nil {
				t.Fatal(err)
			}
			var in map[string]any
			if err := json.Unmarshal([]byte(c.in), &in); err != nil {
				t.Fatal(err)
			}
			left, erased := k.of(in, "/input")
			got, _ := json.Marshal(left)
			if d := cmp.Diff(c.want, string(got)) + cmp.Diff(c.erased, strings.Join(erased, " ")); d != "" {
				t.Error(d)
			}
		})
	}
	k, _ := newKeep(nil)
	if _, erased := k.of(many, "/input"); len(erased) != maxNamed+1 || erased[maxNamed] != "/input/*" {
		t.Errorf("%v", erased)
	}
}

// TestNoPayload: nothing of it reaches the disk.
func TestNoPayload(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir, Options{})
	err := l.Append(t.Context(), Record{Kind: KindDecision, Input: map[string]any{"context": map[string]any{"hour": json.Number("3"), "parameters": map[string]any{"text": "payload"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, lines := linesIn(t, dir)
	if line := string(lines[0][1]); strings.Contains(line, "payload") || !strings.Contains(line, `"erased":["/input/context/parameters"]`) || !strings.Contains(line, `"input":{"context":{"hour":3}}`) {
		t.Error(line)
	}
}
