package emit

import (
	"errors"
	"strings"
	"testing"

	"agentc/compiler/artifact"

	"github.com/a2aproject/a2a-go/v2/a2a"
)

// TestSealedTooLarge: a seal can make a bundle outgrow what Kubernetes takes.
func TestSealedTooLarge(t *testing.T) {
	env := workloadEnv()
	var large *BundleTooLargeError
	if err := SetBundle(artifact.NewTree(), env, make([]byte, maxObject+1)); !errors.As(err, &large) || large.Environment != env {
		t.Errorf("got %v", err)
	}
	if err := SetBundle(artifact.NewTree(), env, nil); err == nil || errors.As(err, &large) {
		t.Errorf("a tree without the ConfigMap: %v", err)
	}
}

// TestSealManifest: two values change, and nothing that it does not know gets lost in silence.
func TestSealManifest(t *testing.T) {
	compiled, err := artifact.JSON(manifestData{Revision: "r", Roots: []string{"agentc"}, RegoVersion: 1, Metadata: manifestMetadata{Format: 1, Environment: "prod", Fleet: "soc"}})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := SealManifest(compiled, 7, "2027-03-31T00:00:00Z")
	want := strings.NewReplacer(`"sequence": 0`, `"sequence": 7`, `"not_after": ""`, `"not_after": "2027-03-31T00:00:00Z"`).Replace(string(compiled))
	if err != nil || string(sealed) != want {
		t.Errorf("%v\n%s", err, sealed)
	}
	for _, other := range []string{"", "{", strings.Replace(string(compiled), `"revision"`, `"more"`, 1)} {
		if _, err := SealManifest([]byte(other), 1, ""); err == nil {
			t.Errorf("%q is no manifest of ours, and is sealed", other)
		}
	}
}

// TestSignedCardRefuses what is not written as the compiler writes it.
func TestSignedCardRefuses(t *testing.T) {
	for _, card := range []string{"", "{}", "[\n]\n"} {
		if text, err := SignedCard(card, a2a.AgentCardSignature{}); err == nil {
			t.Errorf("%q became %q", card, text)
		}
	}
}
