//go:build judge

package prove

import (
	"bytes"
	"maps"
	"testing"
)

// TestKinds: a kind has a name of its own, says who must refuse it or why nobody does, finds places, and changes what it finds.
func TestKinds(t *testing.T) {
	envs := examples(t)
	for _, g := range groups {
		names := map[string]bool{}
		for _, k := range g.kinds {
			if names[k.name] {
				t.Errorf("%s: two kinds are called %q", g.name, k.name)
			}
			names[k.name] = true
			if k.layers == "" && k.equivalent == "" {
				t.Errorf("%s: %q must name either layers or a reason why it means the same", g.name, k.name)
			}
			if place := somewhere(envs, k); place == nil {
				t.Errorf("%s: %q finds no place in any of the fleets", g.name, k.name)
			} else if maps.EqualFunc(place.env.files, place.env.mutant(k.mutate, place.index), bytes.Equal) {
				t.Errorf("%s: %q changes nothing: %s of %s", g.name, k.name, place.text, place.env.name)
			}
		}
		t.Logf("%s: %d kinds", g.name, len(g.kinds))
	}
}

// somewhere is a place for a kind.
func somewhere(envs []*environment, k kind) *place {
	for _, env := range envs {
		if found := env.places(k.mutate); len(found) > 0 {
			return &place{env, len(found) - 1, found[len(found)-1]}
		}
	}
	return nil
}
