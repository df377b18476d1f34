package git

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"agentc/compiler/artifact"

	"github.com/go-git/go-git/v5/plumbing"
)

// agentFiles are as many files as an environment with that many agents has, one folder for each, of 5 KB as `make bench`
// measured an agent's manifests. One in a hundred says something new.
func agentFiles(b *testing.B, n int, news string) *artifact.Tree {
	b.Helper()
	var files []artifact.File
	for i := range n {
		what := "old"
		if i%100 == 0 {
			what = news
		}
		var data bytes.Buffer
		for line := 0; data.Len() < 5000; line++ {
			fmt.Fprintf(&data, "  app.kubernetes.io/part-%d: agent-%05d-%x # %s\n", line, i, (i+1)*(line+7)*2654435761, what)
		}
		files = append(files, artifact.File{Path: fmt.Sprintf("prod/manifests/soc-agent-%05d/agent-%05d.yaml", i, i), Data: data.Bytes()})
	}
	tree := artifact.NewTree()
	if err := tree.Add(nil, files); err != nil {
		b.Fatal(err)
	}
	return tree
}

// BenchmarkBuild builds and packs.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{10_000, 70_000} {
		old, next := agentFiles(b, n, "old"), agentFiles(b, n, "new")
		b.Run(fmt.Sprintf("%d files, first commit", n), func(b *testing.B) {
			benchmarkBuild(b, newTarget(b), plumbing.ZeroHash, Plan{Dir: "generated", Files: old}, n)
		})
		g := newTarget(b)
		first := g.build(plumbing.ZeroHash, Plan{Dir: "generated", Files: old})
		g.land(first, plumbing.ZeroHash)
		owned := map[string][]string{}
		for _, path := range old.Paths() {
			owned[path] = []string{"sha256:" + old.Digest(path)}
		}
		b.Run(fmt.Sprintf("%d files, 1 %% changed", n), func(b *testing.B) {
			benchmarkBuild(b, g, first.Tree, Plan{Dir: "generated", Files: next, Owned: owned}, n/100)
		})
		b.Run(fmt.Sprintf("%d files, nothing changed", n), func(b *testing.B) {
			benchmarkBuild(b, g, first.Tree, Plan{Dir: "generated", Files: old, Owned: owned}, 0)
		})
	}
}

func benchmarkBuild(b *testing.B, g *target, root plumbing.Hash, p Plan, changes int) {
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		g.store = nil // nothing is in its cache
		built, err := build(b.Context(), g, root, p)
		if err != nil {
			b.Fatal(err)
		}
		if len(built.Changes) != changes {
			b.Fatalf("%d changes, want %d", len(built.Changes), changes)
		}
		pack, err := built.Pack(&Commit{Data: []byte("a commit\n")})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(pack)), "pack-bytes")
	}
	b.ReportMetric(float64(cpuTime(b)-before)/1e6/float64(b.N), "cpu-ms/op")
}

// cpuTime is what the process has used of all processors, in nanoseconds: machines that do something else as well tell it
// better than a clock.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
