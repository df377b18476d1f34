package verdict

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"agentc/compiler/claims"
)

// TestDeclaredVerdictsAreTheCores lets the declaration and the core answer the same questions about fleets that nobody would write: every
// kind of rule together, edges with all skills, several routes. They share no code.
func TestDeclaredVerdictsAreTheCores(t *testing.T) {
	for seed := range uint64(4) {
		env := randomEnvironment(rand.New(rand.NewPCG(seed, 1)))
		files := map[string][]byte{
			"any/bundle/.manifest": []byte(`{"revision": "x", "roots": ["agentc", "reviewers"], "rego_version": 1, "metadata": {"format": 1, "environment": "any", "fleet": "f"}}`),
		}
		data, err := json.Marshal(newSpec(env).data()) // the compiler's own is compared with it elsewhere
		if err != nil {
			t.Fatal(err)
		}
		files["any/bundle/"+dataFile] = data
		for _, m := range coreModules(t) {
			files["any/bundle/agentc/"+m.Name] = m.Text
		}
		findings, counts, err := Judge(context.Background(), env, fetched(t, env, files))
		if got := messages(findings); err != nil || len(got) != 1 || !strings.Contains(got[0], "the bundle lacks selftest.json") {
			t.Errorf("seed %d: %v\n%s", seed, err, strings.Join(got, "\n"))
		}
		t.Logf("seed %d: %d decisions", seed, counts["decisions"])
	}
}

func randomEnvironment(random *rand.Rand) *claims.Environment {
	env := &claims.Environment{Name: "any", TrustDomain: "t.example", Decisions: claims.Decisions{Fleet: "f"}}
	d := &env.Decisions
	d.Escalation = claims.Escalation{LifetimeMs: 1000, DefaultRoute: "r1"}
	for i := range 4 {
		d.Escalation.Routes = append(d.Escalation.Routes, claims.Route{Name: fmt.Sprint("r", i), Quorum: int32(1 + random.IntN(3))})
	}
	for i := range 5 {
		r := claims.Rule{ID: fmt.Sprint("p/", i), Reason: "r", Verdict: severities[random.IntN(3)], Confidence: randomRange(random, 1), Anomaly: randomRange(random, 100)}
		if r.Verdict == "escalate" {
			r.Route = fmt.Sprint("r", random.IntN(4))
		}
		d.Rules = append(d.Rules, r)
	}
	for i := range 3 {
		a := claims.Callee{Name: fmt.Sprint("a", i), SPIFFE: fmt.Sprint("spiffe://t.example/ns/f/sa/a", i)}
		env.Workloads = append(env.Workloads, claims.Workload{Name: a.Name, SPIFFE: a.SPIFFE})
		for j := range 3 {
			a.Skills = append(a.Skills, claims.Skill{ID: fmt.Sprint("s", j), Risk: risks[random.IntN(4)]})
		}
		for j := range 3 {
			e := claims.Edge{Caller: fmt.Sprint("a", j), SPIFFE: fmt.Sprint("spiffe://t.example/ns/f/sa/a", j), AllSkills: random.IntN(2) == 0}
			for k := range 3 {
				g := claims.Grant{Skill: fmt.Sprint("s", k)}
				for _, r := range d.Rules {
					if random.IntN(3) == 0 {
						g.Rules = append(g.Rules, r.ID)
					}
				}
				if e.AllSkills || k == j || random.IntN(2) == 0 {
					e.Grants = append(e.Grants, g)
				}
			}
			a.Callers = append(a.Callers, e)
		}
		d.Agents = append(d.Agents, a)
	}
	d.Anomaly = &claims.Anomaly{Always: []string{"Alert"}, Classes: []claims.Class{{ID: "policy", Percentile: 95, Min: 80, Max: 99, PerHour: 7, Sample: 0.5}}}
	events := func() (e claims.Events) {
		for _, field := range []*string{&e.Source, &e.Priority, &e.Agent, &e.Namespace} {
			if random.IntN(2) == 0 {
				*field = fmt.Sprint("x", random.IntN(2))
			}
		}
		return e
	}
	for i := range 5 {
		o := claims.Override{ID: fmt.Sprint("o", i), Events: events(), Percentile: float64(70 + random.IntN(31)), Expires: fmt.Sprintf("2027-0%d-28", 1+random.IntN(9))}
		d.Anomaly.Overrides = append(d.Anomaly.Overrides, o)
		if c := (claims.Class{ID: fmt.Sprint("c", i), Events: events(), Percentile: float64(82 + random.IntN(10)), Min: 81, Max: 97}); c.Events != (claims.Events{}) {
			shadow := 85.5
			c.Shadow = &shadow
			d.Anomaly.Classes = append(d.Anomaly.Classes, c)
		}
	}
	return env
}

func randomRange(random *rand.Rand, top float64) *claims.Range {
	low, high := random.Float64()*top/2, top/2+random.Float64()*top/2
	switch random.IntN(5) {
	case 0:
		return &claims.Range{AtLeast: &low}
	case 1:
		return &claims.Range{Below: &high}
	case 2:
		return &claims.Range{AtLeast: &low, Below: &high}
	}
	return nil
}
