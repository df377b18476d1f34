package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"agentc/compiler/claims"
)

// TestReviewersRegoMayOnlyBeStricter adds a file of the reviewers to the spec and to the bundle. What it makes stricter is no disagreement, and
// hides none.
func TestReviewersRegoMayOnlyBeStricter(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"rejects", `reject contains "never" if true`, ""},
		{"escalates", `escalate contains "always" if true`, ""},
		{"rejects what names parameters", `reject contains "no" if input.context.parameters.x`, ""},
		{"fails", `reject contains "no" if to_number(input.action.name) > 3`, ""},
		{"threshold beyond the bounds", `threshold := 200 if not night`, ""},
		{"threshold below the bounds", `threshold := 2 if not night`, ""},
		{"threshold that is no number", `threshold := "x" if not night`, ""},
		{"does not compile", `reject contains x if true`, "the bundle's Rego does not compile"},
		{"is not strict", "reject contains \"no\" if {\n\tx := 1\n\tinput.a\n}", "the bundle's Rego does not compile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRendered(t)
			text := []byte("package reviewers.soc\n\n" + test.text + "\n")
			sum := sha256.Sum256(text)
			env := *r.env
			env.Decisions.Rego = append(slices.Clone(env.Decisions.Rego), claims.Rego{File: "policies/soc/more.rego", SHA256: hex.EncodeToString(sum[:])})
			bundle := r.bundle()
			bundle["reviewers/soc/more.rego"] = text
			expect(t, &env, r.with(t, bundle, true), test.want)
			if test.want != "" {
				return
			}
			edit("auto-execute", "rules", "reviewers/containment-asks", "verdict")(bundle)
			class(1, "percentile", 99)(bundle)
			expect(t, &env, r.with(t, bundle, true), "the bundle says auto-execute (reviewers/containment-asks), the spec says escalate (reviewers/containment-asks)",
				"the bundle says 99 (policy), the spec says 95 (policy)")
		})
	}
}
