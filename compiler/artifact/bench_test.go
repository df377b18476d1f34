package artifact

import (
	"testing"

	sigs "sigs.k8s.io/yaml"
)

// BenchmarkEncode writes the objects of one agent, here and with the library that Kubernetes tools use.
func BenchmarkEncode(b *testing.B) {
	objects := agentObjects("remediate")
	b.Run("agentc", func(b *testing.B) {
		b.ReportAllocs()
		var e encoder
		for b.Loop() {
			for _, o := range objects {
				if err := e.document(o); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("sigs", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, o := range objects {
				if _, err := sigs.Marshal(o); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkTree adds the objects of 1,000 agents.
func BenchmarkTree(b *testing.B) {
	objects := fleet(1000)
	b.ReportAllocs()
	for b.Loop() {
		for i := range objects {
			objects[i].yaml = nil
		}
		if err := NewTree().Add(objects, nil); err != nil {
			b.Fatal(err)
		}
	}
}
