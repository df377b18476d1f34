package authzen

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/decision/point"
)

// nothing takes answers and keeps none.
type nothing struct{ header http.Header }

func (n nothing) Header() http.Header         { return n.header }
func (n nothing) Write(p []byte) (int, error) { return len(p), nil }
func (n nothing) WriteHeader(int)             {}

// BenchmarkEvaluation is a request without its way over the network, to a bundle without Rego of a team.
func BenchmarkEvaluation(b *testing.B) {
	shipped, err := bundle.Open("../../generated/prod/bundle")
	if err != nil {
		b.Fatal(err)
	}
	delete(shipped.Files, "reviewers/soc/containment.rego")
	e, err := engine.New(b.Context(), shipped, engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h, body := serving(b, e, point.By{Anybody: true}), strings.NewReader("")
	r := httptest.NewRequest(http.MethodPost, pathEvaluation, nil)
	r.Header.Set("Content-Type", "application/json")
	text := "{" + caller("detect") + "," + callee("coordinator", "handle-incident") + "," + sure + "}"
	w := nothing{http.Header{}}
	for b.Loop() {
		body.Reset(text)
		r.Body = io.NopCloser(body)
		h.ServeHTTP(w, r)
	}
}
