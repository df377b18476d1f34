// Package enginetest has the example's bundle ready to answer, for tests.
package enginetest

import (
	"testing"

	"agentc/decision/bundle"
	"agentc/decision/engine"
)

// Shipped is the example's bundle for prod. The folder is the one of the package's test, two below the repository's.
func Shipped(t testing.TB) *engine.Engine {
	t.Helper()
	b, err := bundle.Open("../../generated/prod/bundle")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), b, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
