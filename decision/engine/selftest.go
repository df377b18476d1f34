package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// selfTest is what the compiler wrote into the bundle: questions with the answers that they must get.
type selfTest struct {
	Format  int                   `json:"format"`
	Cases   map[string][]selfCase `json:"cases"`
	Vectors []struct {
		Caller string            `json:"caller"`
		Callee string            `json:"callee"`
		Skills map[string]string `json:"skills"` // to the name of its cases
	} `json:"vectors"`
}

// selfCase is one circumstance. Where users' Rego takes part only the mildest verdict that is possible is known.
type selfCase struct {
	Context map[string]any `json:"context"`
	Verdict string         `json:"verdict"`
	Rules   []string       `json:"rules"`
	AtLeast string         `json:"atLeast"`
}

// selfTest asks the bundle its own questions, and whoever is the reference, where there is one: it must say the same, to the last reason.
func (e *Engine) selfTest(ctx context.Context, text []byte, reference answerer) error {
	var s selfTest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		return fmt.Errorf("the bundle's self-test: %w", err)
	}
	if s.Format != e.Manifest.Metadata.Format || len(s.Vectors) == 0 {
		return errors.New("the bundle's self-test asks nothing, or in another format")
	}
	for _, v := range s.Vectors {
		for skill, name := range v.Skills {
			if len(s.Cases[name]) == 0 {
				return fmt.Errorf("the bundle's self-test has no cases %q", name)
			}
			for _, c := range s.Cases[name] {
				q := Question{Subject: Entity{"agent", v.Caller}, Action: skill, Resource: Entity{"agent", v.Callee}, Context: c.Context}
				got := decide(ctx, e.answerer, q)
				if !c.met(got) {
					return fmt.Errorf("the bundle's self-test: %s asks %s for %q: %s (%v), not %s%s (%v)", v.Caller, v.Callee, skill, got.Verdict, got.Rules, c.Verdict, c.AtLeast, c.Rules)
				}
				if reference == nil {
					continue
				}
				if want := decide(ctx, reference, q); !reflect.DeepEqual(got, want) {
					return fmt.Errorf("the bundle's self-test: %s asks %s for %q: its table says %+v, its Rego %+v", v.Caller, v.Callee, skill, got, want)
				}
			}
		}
	}
	return nil
}

func (c selfCase) met(a Answer) bool {
	if slices.Contains(a.Rules, Failed) {
		return false
	}
	if c.AtLeast != "" {
		severity := []string{Execute, Escalate, Reject}
		return slices.Index(severity, a.Verdict) >= slices.Index(severity, c.AtLeast)
	}
	return a.Verdict == c.Verdict && slices.Equal(a.Rules, c.Rules)
}
