package record

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"
)

func usual() Record {
	return Record{
		DecisionID: "4a3c2b1a00000000000000000000abcd", TraceID: "0af7651916cd43dd8448eb211c80319c", Bundles: map[string]Bundle{"fleet": {"6d1c"}}, Path: "agentc/decision",
		Input: map[string]any{
			"subject": map[string]any{"type": "agent", "id": "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator"}, "action": map[string]any{"name": "isolate-workload"},
			"resource": map[string]any{"type": "agent", "id": "remediate"},
			"context":  map[string]any{"confidence": json.Number("0.9"), "anomaly": map[string]any{"percentile": json.Number("99")}, "hour": 3, "today": "2026-01-01", "parameters": map[string]any{"namespace": "shop"}},
		},
		Result: map[string]any{"decision": false}, Timestamp: time.Unix(1767225600, 0).UTC(), Kind: KindDecision, Verdict: "escalate", Rules: []string{"soc/critical"},
		Caller: "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator", Callee: "remediate", Skill: "isolate-workload", BundleSequence: 7,
		Source: "10.0.0.7:41234", Destination: "10.0.1.9:8443",
	}
}

// BenchmarkAppend: one after another, each with a Sync of its own.
func BenchmarkAppend(b *testing.B) {
	l := opened(b, b.TempDir(), Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(b.Context(), usual()); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	l.Close()
}

// BenchmarkAppendTogether: 256 at a time share a Sync.
func BenchmarkAppendTogether(b *testing.B) {
	l := opened(b, b.TempDir(), Options{})
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := l.Append(b.Context(), usual()); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	l.Close()
}

// BenchmarkJSON is the floor: encoding/json of the same record as it is.
func BenchmarkJSON(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(usual()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLine is what a record costs without the disk: what is kept of the input, JSON, the chain.
func BenchmarkLine(b *testing.B) {
	keep, err := newKeep(nil)
	if err != nil {
		b.Fatal(err)
	}
	l := &Log{keep: keep}
	var lines []byte
	var head hash
	b.ReportAllocs()
	for b.Loop() {
		body, err := l.body(usual())
		if err != nil {
			b.Fatal(err)
		}
		lines = appendLine(lines[:0], 1, head, body)
		head = sha256.Sum256(lines)
	}
}
