//go:build judge

package prove

import (
	"fmt"
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/compiler/fleettest"
	"agentc/compiler/judge"
	"agentc/compiler/verify"
)

// TestRandomFleets: the files of a random fleet say what is claimed of it. Where they do not, an emitter, the claims or a layer of the judge is
// wrong.
func TestRandomFleets(t *testing.T) {
	fleets := uint64(6)
	if *all {
		fleets = 200
	}
	for i := range fleets {
		seed := *seed + i
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			out, problems, err := compiler.Compile(false, fleettest.Random(seed)...)
			if err != nil || out == nil {
				t.Fatal(err, problems)
			}
			asked := claims.Of(out.Fleet)
			answer, err := verify.All(t.Context(), program(t), asked, judge.FromTree(out.Tree, asked))
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range answer.Findings {
				if i == 0 {
					t.Errorf("a fleet of %s: %d findings", strings.Join(fleettest.RandomShapes(seed), ", "), len(answer.Findings))
				}
				t.Log(first(answer.Findings[i:]), f.Spec)
			}
		})
	}
}
