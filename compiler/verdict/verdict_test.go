package verdict

import (
	"context"
	"io/fs"
	"os"
	"testing"
	"time"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/compiler/fleettest"
	"agentc/compiler/judge"
	"agentc/policies/core"
	"agentc/schema"
)

// fleets that are shipped.
var fleets = []string{"../..", "../testdata/payments"}

func dirs(t testing.TB, root string) []schema.Dir {
	t.Helper()
	var all []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		sub, err := fs.Sub(os.DirFS(root), name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, schema.Dir{Name: name, FS: sub})
	}
	return all
}

// compiled is a fleet as the judge sees it.
func compiled(t testing.TB, dirs []schema.Dir) (*claims.Claims, map[string][]byte) {
	t.Helper()
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatal(problems, err)
	}
	c := claims.Of(out.Fleet)
	return c, judge.FromTree(out.Tree, c)
}

func coreModules(t testing.TB) []core.Module {
	t.Helper()
	modules, err := core.Modules()
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func TestShippedFleetsAgree(t *testing.T) {
	for _, root := range fleets {
		c, files := compiled(t, dirs(t, root))
		for i := range c.Environments {
			env := &c.Environments[i]
			for _, exhaustive := range []bool{false, true} {
				started := time.Now()
				r, asked, err := judged(context.Background(), env, files, options{core: coreModules(t), few: few, exhaustive: exhaustive})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range r.findings() {
					t.Errorf("%s %s: %+v", root, env.Name, f)
				}
				if asked < 100 {
					t.Errorf("%s %s: only %d decisions", root, env.Name, asked)
				}
				t.Logf("%s %s exhaustively %t: %d decisions in %v", root, env.Name, exhaustive, asked, time.Since(started))
			}
		}
	}
}

// TestLargeFleetAgrees: samples stand for those without an edge.
func TestLargeFleetAgrees(t *testing.T) {
	c, files := compiled(t, fleettest.Dense(200, 4))
	findings, counts, err := Judge(context.Background(), &c.Environments[0], files)
	if err != nil || len(findings) > 0 || counts["decisions"] > 200*40 {
		t.Fatal(counts, findings, err)
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, fleet := range []struct {
		name string
		dirs []schema.Dir
	}{
		{"5 agents", dirs(b, "../..")},
		{"1000 agents with 4 edges each", fleettest.Dense(1000, 4)},
	} {
		b.Run(fleet.name, func(b *testing.B) {
			c, files := compiled(b, fleet.dirs)
			for b.Loop() {
				_, counts, err := Judge(context.Background(), &c.Environments[0], files)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(counts["decisions"]), "decisions")
			}
		})
	}
}
