package seal_test

import (
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/compiler/fleettest"
	"agentc/compiler/lock"
	"agentc/compiler/seal"
	"agentc/schema"
)

// BenchmarkApply seals 10,000 agents with three cards each, for the first time and again.
func BenchmarkApply(b *testing.B) {
	const n = 10000
	dirs := fleettest.Fleet(n, 0)
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		b.Fatal(err, problems)
	}
	key := newKey(b, seal.ES256)
	public, err := key.PublicPEM()
	if err != nil {
		b.Fatal(err)
	}
	for _, env := range out.Fleet.Environments {
		env.Keys = []schema.PublicKey{{ID: "publisher", Key: public}}
	}
	sealed := apply(b, out, nil, at(noon, key))
	if len(sealed.Seals.Cards) != 3*n {
		b.Fatal(len(sealed.Seals.Cards), strings.Join(sealed.New[:3], ", "))
	}
	for _, c := range []struct {
		name string
		old  *lock.Seals
	}{{"first", nil}, {"again", sealed.Seals}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				apply(b, out, c.old, at(noon, key))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/agent")
		})
	}
}
