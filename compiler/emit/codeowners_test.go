package emit

import (
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	gocmp "github.com/google/go-cmp/cmp"
)

func codeownersFleet() *model.Fleet {
	agent := func(file, team string, artifacts map[string]string) *schema.Document {
		return &schema.Document{File: file, Agent: &schema.Agent{Spec: schema.AgentSpec{Team: team, Artifacts: artifacts}}}
	}
	policy := func(file, team string) *schema.Document {
		return &schema.Document{File: file, Policy: &schema.ReviewerPolicy{Spec: schema.ReviewerPolicySpec{Team: team}}}
	}
	return &model.Fleet{
		Git: schema.Git{Path: "generated"},
		Teams: []schema.Team{
			{Name: "ai", Owners: []string{"@acme/ai"}, Owns: "agents"},
			{Name: "ml", Owners: []string{"@acme/ml", "@acme/ai"}, Owns: "agents"},
			{Name: "platform", Owners: []string{"@acme/platform"}, Owns: "platform"},
			{Name: "soc", Owners: []string{"@acme/soc"}, Owns: "policies"},
		},
		Written: &schema.Source{
			Agents: []*schema.Document{
				agent("agents.d/detect.yaml", "ml", nil),
				agent("agents.d/mixed/a.yaml", "ai", nil),
				agent("agents.d/mixed/b.yaml", "ml", nil),
				agent("agents.d/remediate.yaml", "ai", map[string]string{"prompt": "prompts/re mediate.md"}),
			},
			Platforms: []*schema.Document{{File: "agents.d/platform.yaml", Platform: &schema.Platform{}}},
			Policies:  []*schema.Document{policy("policies/soc/base.yaml", "soc")},
		},
	}
}

func TestCodeowners(t *testing.T) {
	tree := artifact.NewTree()
	if err := codeowners(codeownersFleet(), tree); err != nil {
		t.Fatal(err)
	}
	data, _ := tree.File("CODEOWNERS")
	text, found := strings.CutPrefix(string(data), codeownersHeader)
	if !found {
		t.Fatalf("no header:\n%s", data)
	}
	want := `*                               @acme/platform
/generated/                     @acme/ai @acme/ml @acme/platform @acme/soc
/generated/*/delivery/          @acme/platform
/agents.d/                      @acme/ai @acme/ml
/agents.d/detect.yaml           @acme/ai @acme/ml
/agents.d/mixed/a.yaml          @acme/ai
/agents.d/mixed/b.yaml          @acme/ai @acme/ml
/agents.d/prompts/              @acme/ai
/agents.d/prompts/re?mediate.md @acme/ai
/agents.d/remediate.yaml        @acme/ai
/agents.d/platform.yaml         @acme/platform
/policies/                      @acme/soc
/policies/soc/                  @acme/soc
/policies/soc/base.yaml         @acme/soc
/policies/core/                 @acme/platform
`
	if diff := gocmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A line without owners would let everybody change what it matches.
func TestCodeownersNeverWithoutOwners(t *testing.T) {
	fleet := codeownersFleet()
	fleet.Teams = fleet.Teams[:1]
	fleet.Written.Policies[0].Policy.Spec.Team = "ai"
	for _, l := range ownedLines(fleet) {
		if len(l.owners) == 0 {
			t.Errorf("%s has no owners", l.pattern)
		}
	}
}

// Two maps are gathered on the way; the output must not tell in which order.
func TestCodeownersIsDeterministic(t *testing.T) {
	want := string(codeownersText(codeownersFleet()))
	for range 20 {
		if got := string(codeownersText(codeownersFleet())); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}
