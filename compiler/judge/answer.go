// Package judge asks whether generated files allow exactly what the compiler claims. Most of it is asked of a program of its own,
// agentc-verify, that holds the engines; the decision layer is judged here, by the OPA that the product itself links.
package judge

import (
	"bytes"
	"encoding/json"
	"fmt"

	"agentc/compiler/claims"
)

// Finding is one disagreement: what a layer allows or forbids beyond the spec.
type Finding struct {
	Layer       string    `json:"layer"` // schema, network, decision, identity, admission, workload, delivery
	Environment string    `json:"environment"`
	File        string    `json:"file"` // below the folder of the generated files
	Line        int       `json:"line"`
	Column      int       `json:"column"`
	Object      string    `json:"object"` // `Certificate soc-detect/detect`; empty where it is about a file
	Message     string    `json:"message"`
	Spec        claims.At `json:"spec"` // the line of the spec that it is about
}

// Answer is what a judge says. Where the layers agree, there are no findings.
type Answer struct {
	Format       int       `json:"format"`
	Engines      []string  `json:"engines"` // `cilium v1.20.2`
	Environments []Counts  `json:"environments"`
	Findings     []Finding `json:"findings"`
}

// Counts says how much was tried in one environment: `flows` → 1000.
type Counts struct {
	Name   string         `json:"name"`
	Counts map[string]int `json:"counts"`
}

// answerFormat that is understood here.
const answerFormat = 1

// parseAnswer reads what the program said. It must speak of every environment that it was asked about: one that it passed over was not
// judged.
func parseAnswer(data []byte, asked *claims.Claims) (*Answer, error) {
	a := &Answer{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(a); err != nil {
		return nil, fmt.Errorf("what it said is no answer: %w", err)
	}
	if a.Format != answerFormat {
		return nil, fmt.Errorf("its answer has format %d, and this agentc knows format %d: they belong to different releases", a.Format, answerFormat)
	}
	if len(a.Environments) != len(asked.Environments) {
		return nil, fmt.Errorf("it judged %d environments, and was asked about %d", len(a.Environments), len(asked.Environments))
	}
	for i, env := range asked.Environments {
		if a.Environments[i].Name != env.Name {
			return nil, fmt.Errorf("it judged %q, and was asked about %q", a.Environments[i].Name, env.Name)
		}
		if len(a.Environments[i].Counts) == 0 {
			return nil, fmt.Errorf("it tried nothing of %q", env.Name)
		}
	}
	return a, nil
}
