package network

import (
	"testing"

	"agentc/verify/internal/judged"
	"agentc/verify/judge"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
)

// BenchmarkFlows decides flows of the shipped fleet: by Cilium's LookupFlow, as whoever asks Cilium about a flow would, and by one
// policy map for each subject, which is looked into.
func BenchmarkFlows(b *testing.B) {
	envs, _ := judged.Input(b).Environments()
	c := newComparison(envs[0], &judge.Report{})
	const port = 8443
	b.Run("LookupFlow", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			from, to := c.all[i%len(c.all)], c.all[(i/len(c.all))%len(c.all)]
			if _, _, _, err := policy.LookupFlow(quiet, c.engine.repo, c.engine.ids, types.Flow{From: from.id, To: to.id, Proto: protocols[0], Dport: port}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		// The cost of the map is shared by the peers of its subject, each at one port in both directions.
		for i := 0; b.Loop(); i++ {
			reach, err := c.engine.of(c.all[i%len(c.all)].id, nil)
			if err != nil {
				b.Fatal(err)
			}
			for _, peer := range c.all {
				reach.allows(true, peer.id.ID, protocols[0], port)
				reach.allows(false, peer.id.ID, protocols[0], port)
			}
			reach.release()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2*len(c.all)), "ns/flow")
	})
}
