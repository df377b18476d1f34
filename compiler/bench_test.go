package compiler_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"agentc/compiler"
	"agentc/compiler/check"
	"agentc/compiler/disk"
	"agentc/compiler/emit"
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
	dirs := fleet(n)
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
	out, problems, err := compiler.Compile(true, fleet(30)...)
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

// chain is how many agents ask one another in a row: each waits longer than the next may take.
const chain = 10

// fleet makes a fleet of n agents out of the platform and the policies that `agentc init` writes: chains in which each agent
// may ask the next for two skills, and the platform's client the first.
func fleet(n int) []schema.Dir {
	files := fstest.MapFS{}
	add := func(path, text string) { files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	var heads strings.Builder
	for i := range n {
		name := fmt.Sprintf("agent-%05d", i)
		add("agents.d/"+name+".yaml", agent(i, n))
		if i%chain == 0 {
			fmt.Fprintf(&heads, "        - {to: %s, skills: [read, write]}\n", name)
		}
	}
	add("agents.d/platform.yaml", strings.Replace(template("agents.d/platform.yaml"), "        - {to: greeter, skills: [welcome]}\n", heads.String(), 1))
	add("policies/reviewers.yaml", template("policies/reviewers.yaml"))
	spec, _ := fs.Sub(files, "agents.d")
	policies, _ := fs.Sub(files, "policies")
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

// template reads a file that `agentc init` writes.
func template(path string) string {
	data, err := os.ReadFile("../cmd/agentc/template/" + path)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func agent(i, n int) string {
	place := i % chain
	last := place == chain-1 || i == n-1
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: agents.d/v1alpha1
kind: Agent
metadata: {name: agent-%05d}
spec:
  team: ai
  description: One of many agents in a chain of ten.
  entry: %t
  image: registry.example.com/agents/agent:1.0.0@sha256:%s
  card:
    version: 1.0.0
    skills:
      - {id: read, name: Read, description: Reads what it is given., tags: [writing], risk: low}
      - {id: write, name: Write, description: Writes what it is asked for., tags: [writing], risk: low}
  workload:
    replicas: {min: 2, max: 4}
    timeouts: {request: %ds, shutdown: 2m}
`, i, place == 0, strings.Repeat("0a", 32), 60-5*place)
	caller := "portal"
	if place > 0 {
		caller = fmt.Sprintf("agent-%05d", i-1)
	}
	fmt.Fprintf(&b, "  accepts:\n    - {from: %s, skills: [read, write]}\n", caller)
	if !last {
		fmt.Fprintf(&b, "  requests:\n    - {to: agent-%05d, skills: [read, write]}\n", i+1)
	}
	return b.String()
}
