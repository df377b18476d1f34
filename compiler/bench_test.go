package compiler_test

import (
	"cmp"
	"fmt"
	"os"
	"testing"

	"agentc/compiler"
	"agentc/compiler/check"
	"agentc/compiler/disk"
	"agentc/compiler/emit"
	"agentc/compiler/fleettest"
	"agentc/compiler/model"
	"agentc/schema"
)

// sizes of the fleets that are measured.
var sizes = []int{10, 100, 1000, 10000}

// BenchmarkStages measures what each stage of the compiler costs, so that a stage that grows faster than the fleet shows.
// `make bench` runs it; ns/agent is to stay level from one size to the next.
func BenchmarkStages(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkStages(b, n) })
	}
}

func benchmarkStages(b *testing.B, n int) {
	dirs := fleettest.Fleet(n, 0)
	src, _, err := schema.Load(dirs...)
	if err != nil {
		b.Fatal(err)
	}
	f, _ := model.Resolve(src)
	out, problems, err := compiler.Compile(false, dirs...)
	if err := cmp.Or(err, fault(problems)); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	write := func() error { _, err := disk.Write(dir, out.Tree, out.Lock, false); return err }
	for _, stage := range []struct {
		name string
		run  func() error
	}{
		{"read", func() error { _, _, err := schema.Load(dirs...); return err }},
		{"resolve", func() error { model.Resolve(src); return nil }},
		{"check", func() error { return fault(check.Run(f)) }},
		{"emit", func() error { _, err := emit.All(f); return err }},
		{"compile", func() error { _, _, err := compiler.Compile(false, dirs...); return err }},
		{"write", func() error { return cmp.Or(os.RemoveAll(dir), write()) }},
		{"unchanged", write},
	} {
		b.Run(stage.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := stage.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/agent")
		})
	}
}

// TestGeneratedFleetIsSound: what is measured is a fleet that compiles.
func TestGeneratedFleetIsSound(t *testing.T) {
	out, problems, err := compiler.Compile(true, fleettest.Fleet(30, 0)...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	if got := len(out.Fleet.Environments[0].Agents); got != 30 {
		t.Errorf("%d agents, want 30", got)
	}
}

func fault(problems []schema.Problem) error {
	if compiler.Stops(problems, true) {
		return fmt.Errorf("%d problems, the first: %v", len(problems), problems[0])
	}
	return nil
}
