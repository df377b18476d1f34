//go:build judge

package prove

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"agentc/compiler/judge"
)

var (
	all    = flag.Bool("all", false, "every kind of mutant in every environment, at up to -most places each, and 200 random fleets")
	most   = flag.Int("most", 2, "with -all: at how many places of one environment a kind is tried; of more, a seeded choice")
	sample = flag.Int("sample", 6, "without -all: how many kinds of each layer are tried, at one place each, a seeded choice; 0: every kind")
	built  = flag.String("judge", "../../bin/"+judge.ProgramName, "the judge")
	seed   = flag.Uint64("seed", 1, "which kinds, which places, and which random fleets")
)

// kind is one way to break generated files.
type kind struct {
	name   string
	layers string // one of them must refuse it, by its name
	mutate mutator

	// equivalent says why the change means nothing. It must be accepted, for a judge that refuses everything is of no use either, unless layers
	// names a closed list that it is not on.
	equivalent string
}

// group is the kinds of one layer.
type group struct {
	name  string
	kinds []kind
}

var groups = []group{
	{"network", networkKinds},
	{"identity", identityKinds},
	{"decision", decisionKinds},
	{"admission", admissionKinds},
	{"delivery", deliveryKinds},
	{"workload", workloadKinds},
}

// result is what became of the mutants of a kind.
type result struct {
	kind
	sites, tried, refused, accepted int
}

// TestMutants breaks the files of the example fleets. Each mutant must be refused, by the name of a layer that should.
func TestMutants(t *testing.T) {
	envs := examples(t)
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			results := make([]result, len(g.kinds))
			chosen := g.choose()
			t.Run("kinds", func(t *testing.T) {
				for i, k := range g.kinds {
					if !chosen[i] {
						continue
					}
					t.Run(k.name, func(t *testing.T) {
						t.Parallel()
						results[i] = k.try(t, envs)
					})
				}
			})
			report(t, results)
		})
	}
}

// place is one place that a kind could change.
type place struct {
	env   *environment
	index int
	text  string
}

func (k kind) try(t *testing.T, envs []*environment) result {
	r := result{kind: k}
	places := k.choose(envs, &r.sites)
	if len(places) == 0 {
		t.Error("there is no place for it in any of the fleets")
	}
	for _, p := range places {
		findings := p.env.ask(t, p.env.mutant(k.mutate, p.index), k.layers)
		r.tried++
		switch {
		case k.layers == "" && len(findings) == 0:
			r.accepted++
		case k.layers == "":
			t.Errorf("%s: %s: means the same (%s), and is refused: %s", p.env.name, p.text, k.equivalent, first(findings))
		case slices.ContainsFunc(findings, func(f judge.Finding) bool { return slices.Contains(strings.Fields(k.layers), f.Layer) }):
			r.refused++
		case len(findings) == 0:
			t.Errorf("%s: %s: nobody noticed", p.env.name, p.text)
		default:
			t.Errorf("%s: %s: refused, and not by %s: %s", p.env.name, p.text, k.layers, first(findings))
		}
	}
	return r
}

// choose is where a kind is tried. It counts all the places that there are.
func (k kind) choose(envs []*environment, sites *int) []place {
	random := rand.New(rand.NewPCG(*seed, uint64(len(k.name))))
	var chosen []place
	for _, env := range envs {
		var here []place
		for i, text := range env.places(k.mutate) {
			here = append(here, place{env, i, text})
		}
		*sites += len(here)
		if *all && len(here) > *most {
			random.Shuffle(len(here), func(i, j int) { here[i], here[j] = here[j], here[i] })
			here = here[:*most]
		}
		chosen = append(chosen, here...)
	}
	if !*all && len(chosen) > 1 {
		return []place{chosen[random.IntN(len(chosen))]}
	}
	return chosen
}

// choose says which kinds are tried.
func (g group) choose() []bool {
	chosen := make([]bool, len(g.kinds))
	for i, j := range rand.New(rand.NewPCG(*seed, uint64(len(g.name)))).Perm(len(g.kinds)) {
		chosen[j] = *all || *sample == 0 || i < *sample
	}
	return chosen
}

func first(findings []judge.Finding) string {
	f := findings[0]
	return fmt.Sprintf("%s: %s:%d: %s %s", f.Layer, f.File, f.Line, f.Object, f.Message)
}

// report is the table of a layer: how many places there are, how many were tried, and what became of them.
func report(t *testing.T, results []result) {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "kind\tmust be refused by\tplaces\ttried\trefused\taccepted\t")
	total := result{}
	kinds := 0
	for _, r := range results {
		if r.tried == 0 {
			continue // not among those that -run asked for
		}
		layers := strings.Join(strings.Fields(r.layers), " or ")
		switch {
		case r.layers == "":
			layers = "nobody: " + r.equivalent
		case r.equivalent != "":
			layers += ", though " + r.equivalent
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t\n", r.name, layers, r.sites, r.tried, r.refused, r.accepted)
		kinds++
		total.sites += r.sites
		total.tried += r.tried
		total.refused += r.refused
		total.accepted += r.accepted
	}
	fmt.Fprintf(table, "%d kinds\t\t%d\t%d\t%d\t%d\t\n", kinds, total.sites, total.tried, total.refused, total.accepted)
	table.Flush()
	t.Log("\n" + text.String())
}
