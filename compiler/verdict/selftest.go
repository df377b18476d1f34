package verdict

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"agentc/compiler/claims"
)

// selfTest is selftest.json: the questions that agentd puts to a bundle before it uses it. One with a wrong answer would keep a right bundle
// from being loaded, or let a wrong one pass.
type selfTest struct {
	Format  int                       `json:"format"`
	Cases   map[string][]selfTestCase `json:"cases"`
	Vectors []selfTestVector          `json:"vectors"`
}

type selfTestVector struct {
	Caller string            `json:"caller"`
	Callee string            `json:"callee"`
	Skills map[string]string `json:"skills"` // → the name of its cases
}

// selfTestCase has a verdict, or, where users' Rego takes part, the mildest that is possible.
type selfTestCase struct {
	Context struct {
		Confidence *float64 `json:"confidence"`
		Anomaly    *struct {
			Percentile float64 `json:"percentile"`
		} `json:"anomaly"`
	} `json:"context"`
	Verdict string   `json:"verdict"`
	Rules   []string `json:"rules"`
	AtLeast string   `json:"atLeast"`
}

// selfTests are the self-test as tasks, with what is wrong about it without asking anybody.
func (a *asker) selfTests(data []byte) ([]task, []fault) {
	if data == nil {
		return nil, nil // it is missing, which has been said
	}
	var t selfTest
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&t)
	if _, more := dec.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("something follows the first value")
	}
	if err == nil && t.Format != manifestFormat {
		err = fmt.Errorf("its format is %d", t.Format)
	}
	if err != nil {
		return nil, []fault{{kind: kindSelfTest, file: selfTestFile, message: fmt.Sprintf("%s is no self-test: %v", selfTestFile, err), spec: a.spec.env.At}}
	}
	var tasks []task
	for i, v := range t.Vectors {
		tasks = append(tasks, func(ctx context.Context) []fault { return a.vector(ctx, t.Cases, v, i) })
	}
	return tasks, a.untested(&t)
}

// vector asks what one caller asks of one callee.
func (a *asker) vector(ctx context.Context, cases map[string][]selfTestCase, v selfTestVector, i int) []fault {
	var faults []fault
	for _, skill := range sortedKeys(v.Skills) {
		add := func(name, format string, args ...any) {
			faults = append(faults, fault{
				kind: kindSelfTest, group: v.Callee, file: selfTestFile, path: []string{"vectors", strconv.Itoa(i)},
				message: fmt.Sprintf("the self-test's cases %q: ", name) + fmt.Sprintf(format, args...), spec: a.spec.at([]string{"fleet", "agents", v.Callee}),
			})
		}
		name := v.Skills[skill]
		if len(cases[name]) == 0 {
			add(name, "there are none")
		}
		for _, c := range cases[name] {
			q := question{v.Caller, v.Callee, skill, typeAgent, typeAgent, c.situation()}
			want, got := a.spec.declared(q), a.decide(ctx, q)
			switch {
			case c.Verdict == "" && c.AtLeast != want.verdict:
				add(name, "%s: the test expects at least %q, the spec says %s", a.spec.call(q), c.AtLeast, want.verdict)
			case c.Verdict == "" && severity(got.verdict) < severity(c.AtLeast):
				add(name, "%s: the test expects at least %q, the bundle says %s", a.spec.call(q), c.AtLeast, got.words(got))
			case c.Verdict != "" && (c.Verdict != got.verdict || !slices.Equal(c.Rules, got.rules)):
				add(name, "%s: the test expects %s, the bundle says %s", a.spec.call(q), ruling{verdict: c.Verdict, rules: c.Rules}.words(ruling{}), got.words(got))
			}
		}
	}
	return faults
}

func (c *selfTestCase) situation() situation {
	var now situation
	if f := c.Context.Confidence; f != nil {
		now.confidence = confidenceOf(*f)
	}
	if p := c.Context.Anomaly; p != nil {
		now.anomaly = anomalyOf(p.Percentile)
	}
	return now
}

// untested are the grants that the self-test does not ask about.
func (a *asker) untested(t *selfTest) []fault {
	asked := map[question]bool{}
	for _, v := range t.Vectors {
		for skill := range v.Skills {
			asked[question{caller: v.Caller, callee: v.Callee, skill: skill}] = true
		}
	}
	var faults []fault
	for _, callee := range a.spec.Agents {
		for _, e := range callee.Callers {
			for _, g := range e.Grants {
				if !asked[question{caller: e.SPIFFE, callee: callee.Name, skill: g.Skill}] {
					faults = append(faults, a.untestedGrant(callee.Name, &e, g.Skill))
				}
			}
		}
	}
	return faults
}

func (a *asker) untestedGrant(callee string, e *claims.Edge, skill string) fault {
	return fault{kind: kindSelfTest, group: callee, file: selfTestFile, spec: e.Accepted,
		message: fmt.Sprintf("the self-test does not ask whether %s may ask %s for %s", e.Caller, callee, skill)}
}
