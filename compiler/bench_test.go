package compiler_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
		dirs := fleet(n)
		var src *schema.Source
		var f *model.Fleet
		var out *compiler.Output
		stage := func(name string, run func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/agent")
			})
		}
		stage("read", func() (err error) { src, _, err = schema.Load(dirs...); return err })
		stage("resolve", func() error { f, _ = model.Resolve(src); return nil })
		stage("check", func() error { return fault(check.Run(f)) })
		stage("emit", func() error { _, err := emit.All(f); return err })
		stage("compile", func() (err error) {
			var problems []schema.Problem
			out, problems, err = compiler.Compile(false, dirs...)
			if err == nil {
				err = fault(problems)
			}
			return err
		})
		dir := b.TempDir()
		stage("write", func() error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			_, err := disk.Write(dir, out.Tree, out.Lock, false)
			return err
		})
		stage("unchanged", func() error { _, err := disk.Write(dir, out.Tree, out.Lock, false); return err })
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

// fleet makes a fleet of n agents out of the shipped platform and policies: a ring in which each agent may ask the next for
// two skills, in groups of ten that have an entry agent, so that timeouts can hold.
func fleet(n int) []schema.Dir {
	files := fstest.MapFS{}
	for _, dir := range []string{"agents.d", "policies"} {
		for path, data := range template(dir) {
			files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
	}
	for i := range n {
		files[fmt.Sprintf("agents.d/agent-%05d.yaml", i)] = &fstest.MapFile{Data: []byte(agent(i, n)), Mode: 0o644}
	}
	spec, _ := fs.Sub(files, "agents.d")
	policies, _ := fs.Sub(files, "policies")
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

// template reads what `agentc init` writes, its agents left out.
func template(dir string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"platform.yaml", "reviewers.yaml"} {
		if data, err := os.ReadFile(filepath.Join("../cmd/agentc/template", dir, name)); err == nil {
			files[dir+"/"+name] = data
		}
	}
	return files
}

func agent(i, n int) string {
	const group = 10
	place := i % group
	last := place == group-1 || i == n-1
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
	if place > 0 {
		fmt.Fprintf(&b, "  accepts:\n    - {from: agent-%05d, skills: [read, write]}\n", i-1)
	}
	if !last {
		fmt.Fprintf(&b, "  requests:\n    - {to: agent-%05d, skills: [read, write]}\n", i+1)
	}
	return b.String()
}
