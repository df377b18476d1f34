package claims_test

import (
	"os"
	"slices"
	"testing"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/schema"
)

// TestDecisions reads a few claims of the shipped fleet that a person can look up in the spec.
func TestDecisions(t *testing.T) {
	out, problems, err := compiler.Compile(false,
		schema.Dir{Name: "agents.d", FS: os.DirFS("../../agents.d")}, schema.Dir{Name: "policies", FS: os.DirFS("../../policies")})
	if err != nil || out == nil {
		t.Fatal(problems, err)
	}
	d := claims.Of(out.Fleet).Environments[0].Decisions
	if d.ConfigMap != "soc-system/soc-bundle" || len(d.Agents) != 5 || len(d.Rego) != 1 || d.Rego[0].File != "policies/soc/containment.rego" {
		t.Errorf("%s, %d agents, %v", d.ConfigMap, len(d.Agents), d.Rego)
	}
	remediate := d.Agents[slices.IndexFunc(d.Agents, func(a claims.Callee) bool { return a.Name == "remediate" })]
	edge := remediate.Callers[0]
	if edge.Caller != "coordinator" || edge.SPIFFE != "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator" || edge.AllSkills ||
		edge.Requested.File != "agents.d/coordinator.yaml" || edge.Accepted.File != "agents.d/remediate.yaml" {
		t.Errorf("%+v", edge)
	}
	if g := edge.Grants[1]; g.Skill != "evict-pod" || !slices.Equal(g.Rules, []string{"reviewers/containment-asks", "reviewers/containment-in-doubt"}) {
		t.Errorf("%+v", g)
	}
	doubt := d.Rules[slices.IndexFunc(d.Rules, func(r claims.Rule) bool { return r.ID == "reviewers/containment-in-doubt" })]
	if doubt.Verdict != "auto-reject" || *doubt.Confidence.Below != 0.3 || doubt.Confidence.AtLeast != nil || doubt.Anomaly != nil || doubt.At.File != "policies/soc/reviewers.yaml" {
		t.Errorf("%+v", doubt)
	}
	if leads := d.Escalation.Routes[0]; leads.Name != "leads" || leads.Quorum != 2 || d.Escalation.DefaultRoute != "oncall" || d.Escalation.LifetimeMs != 15*60*1000 {
		t.Errorf("%+v", d.Escalation)
	}
	if a := d.Anomaly; a.Classes[len(a.Classes)-1].Percentile != 95 || a.Classes[len(a.Classes)-1].Min != 80 || a.Overrides[0].ID != "ci-builds" {
		t.Errorf("%+v", a)
	}
}
