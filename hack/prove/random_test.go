package prove

import (
	"testing"

	"agentc/compiler"
	"agentc/compiler/fleettest"
	"agentc/schema"
)

// TestRandomCompiles: every random fleet is a valid spec. It needs no judge.
func TestRandomCompiles(t *testing.T) {
	for seed := range uint64(200) {
		out, problems, err := compiler.Compile(false, fleettest.Random(seed)...)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if out != nil {
			continue
		}
		for _, p := range problems {
			if p.Severity == schema.Error {
				t.Errorf("seed %d: %v: %s", seed, p.Position, p.Message)
			}
		}
	}
}
