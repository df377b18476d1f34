//go:build judge

package judge_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/compiler/fleettest"
	"agentc/compiler/judge"
	"agentc/compiler/verify"
)

// BenchmarkVerify judges fleets in which each agent may ask four others, by every layer: what `agentc verify` does beside compiling.
func BenchmarkVerify(b *testing.B) {
	program, err := filepath.Abs("../../bin/" + judge.ProgramName)
	if err != nil {
		b.Fatal(err)
	}
	for _, agents := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(agents), func(b *testing.B) {
			out, problems, err := compiler.Compile(false, fleettest.Dense(agents, 4)...)
			if err != nil || out == nil {
				b.Fatal(err, problems)
			}
			asked := claims.Of(out.Fleet)
			files := judge.FromTree(out.Tree, asked)
			for b.Loop() {
				answer, err := verify.All(b.Context(), program, asked, files)
				if err != nil || len(answer.Findings) > 0 {
					b.Fatal(err, answer)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(agents)*1e3, "ms/agent")
		})
	}
}
