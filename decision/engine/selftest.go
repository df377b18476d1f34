package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// thorough is how many questions the reference is asked at least, and hardly more: an answer of Rego takes hundreds of times as long as one of the table, and a
// fleet of a thousand agents has tens of thousands of questions.
const thorough = 500

// selfTest asks the bundle its own questions. The reference, where there is one, is asked each set of cases once, and of the rest of the questions as many as
// are thorough, evenly: it must say the same to the last reason.
func (e *Engine) selfTest(ctx context.Context, text []byte, reference answerer) error {
	s, err := e.readSelfTest(text)
	if err != nil {
		return err
	}
	step := max(1, s.count()/thorough)
	asked, n := map[string]bool{}, 0
	for _, v := range s.Vectors {
		for _, skill := range slices.Sorted(maps.Keys(v.Skills)) {
			name := v.Skills[skill]
			if len(s.Cases[name]) == 0 {
				return fmt.Errorf("the bundle's self-test has no cases %q", name)
			}
			for _, c := range s.Cases[name] {
				by := reference
				if n++; asked[name] && n%step != 0 {
					by = nil
				}
				if err := e.test(ctx, Question{Subject: Entity{"agent", v.Caller}, Action: skill, Resource: Entity{"agent", v.Callee}, Context: c.Context}, c, by); err != nil {
					return fmt.Errorf("the bundle's self-test: %s asks %s for %q: %w", v.Caller, v.Callee, skill, err)
				}
			}
			asked[name] = true
		}
	}
	return nil
}

func (e *Engine) readSelfTest(text []byte) (*selfTest, error) {
	s := new(selfTest)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("the bundle's self-test: %w", err)
	}
	if s.Format != e.Manifest.Metadata.Format || len(s.Vectors) == 0 {
		return nil, errors.New("the bundle's self-test asks nothing, or in another format")
	}
	return s, nil
}

// count the questions.
func (s *selfTest) count() (n int) {
	for _, v := range s.Vectors {
		for _, name := range v.Skills {
			n += len(s.Cases[name])
		}
	}
	return n
}

// test one question, and put it to the reference too, where there is one.
func (e *Engine) test(ctx context.Context, q Question, c selfCase, reference answerer) error {
	got := decide(ctx, e.answerer, q)
	if !c.met(got) {
		return fmt.Errorf("%s (%v), not %s%s (%v)", got.Verdict, got.Rules, c.Verdict, c.AtLeast, c.Rules)
	}
	if reference == nil {
		return nil
	}
	if want := decide(ctx, reference, q); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the table says %+v, the Rego %+v", got, want)
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
