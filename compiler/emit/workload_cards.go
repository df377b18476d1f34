package emit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	"github.com/a2aproject/a2a-go/v2/a2a"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Agent Cards (A2A 1.0): one for the agent, and one for each skill, which stands at a URL of its own. The guard serves them
// from its cards folder: `agent-card.json` at /.well-known/agent-card.json, and `skills.<id>.agent-card.json` at
// /skills/<id>/.well-known/agent-card.json. The folder is flat, since keys of a ConfigMap hold no slash; naming each key in
// the pod instead would keep pods of an older version from starting as soon as a skill is gone.
const (
	cardFile = "agent-card.json"

	// skillExtension names the skill of a call in its metadata, for callers that do not use the skill's own URL.
	skillExtension = "urn:agents.d:skill:v1"

	schemeMTLS a2a.SecuritySchemeName = "mtls"
)

func cardsName(a *model.Agent) string { return a.Name + "-cards" }

func agentCards(a *model.Agent) (*corev1.ConfigMap, error) {
	data := map[string]string{}
	write := func(file, path string, skills ...*model.Skill) error {
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false) // a person reads the card in a pull request
		e.SetIndent("", "  ")
		err := e.Encode(agentCard(a, path, skills))
		data[file] = text.String()
		return err
	}
	if err := write(cardFile, "", a.Skills...); err != nil {
		return nil, fmt.Errorf("card of %s: %w", a.Name, err)
	}
	for _, s := range a.Skills {
		if err := write("skills."+s.ID+"."+cardFile, "skills/"+s.ID, s); err != nil {
			return nil, fmt.Errorf("card of %s/%s: %w", a.Name, s.ID, err)
		}
	}
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: agentMeta(a, cardsName(a), waveWorkload),
		Data:       data,
	}, nil
}

// Cards of an agent as they stand in a tree: by file.
func Cards(tree *artifact.Tree, a *model.Agent) map[string]string {
	if c, _ := findConfigMap(tree, agentFile(a), cardsName(a)); c != nil {
		return c.Data
	}
	return nil
}

// SetCards gives an agent other cards.
func SetCards(tree *artifact.Tree, a *model.Agent, cards map[string]string) error {
	return setConfigMap(tree, agentFile(a), cardsName(a), func(c *corev1.ConfigMap) { c.Data = cards })
}

// SignedCard is a card with a signature. It stands last, below what it signs, and nothing above it changes.
func SignedCard(card string, s a2a.AgentCardSignature) (string, error) {
	body, ok := strings.CutSuffix(card, "\n}\n")
	if !ok {
		return "", fmt.Errorf("not a card as it is compiled: %.60q", card)
	}
	text, err := json.MarshalIndent([]a2a.AgentCardSignature{s}, "  ", "  ")
	if err != nil {
		return "", err
	}
	return body + ",\n  \"signatures\": " + string(text) + "\n}\n", nil
}

// agentCard describes the agent at one path of its guard. It claims JSON-RPC alone and no tenant: the guard refuses what it
// does not understand, and a card must not promise it.
func agentCard(a *model.Agent, path string, skills []*model.Skill) *a2a.AgentCard {
	url := fmt.Sprintf("https://%s:%d/%s", a.Host, model.PortA2A, path)
	return &a2a.AgentCard{
		Name:                a.Name,
		Description:         a.Description,
		Version:             a.Card.Version,
		DocumentationURL:    a.Card.DocumentationURL,
		SupportedInterfaces: []*a2a.AgentInterface{a2a.NewAgentInterface(url, a2a.TransportProtocolJSONRPC)},
		Capabilities: a2a.AgentCapabilities{
			Streaming: a.Card.Streaming,
			Extensions: []a2a.AgentExtension{{
				URI:         skillExtension,
				Description: "Names the skill that a call asks for. A skill's own URL says the same; where both do, they must agree.",
			}},
		},
		DefaultInputModes:  a.Card.InputModes,
		DefaultOutputModes: a.Card.OutputModes,
		SecuritySchemes: a2a.NamedSecuritySchemes{schemeMTLS: a2a.MutualTLSSecurityScheme{
			Description: "A certificate with one SPIFFE id of " + a.Env.TrustDomain + ".",
		}},
		SecurityRequirements: a2a.SecurityRequirementsOptions{{schemeMTLS: a2a.SecuritySchemeScopes{}}},
		Skills:               cardSkills(skills),
	}
}

func cardSkills(skills []*model.Skill) []a2a.AgentSkill {
	all := []a2a.AgentSkill{}
	for _, s := range skills {
		all = append(all, a2a.AgentSkill{
			ID:          s.ID,
			Name:        s.Name,
			Description: s.Written.Description,
			Tags:        append([]string{}, s.Tags...), // a list even when empty: the card demands one
			Examples:    slices.Clone(s.Written.Examples),
			InputModes:  slices.Clone(s.Written.InputModes),
			OutputModes: slices.Clone(s.Written.OutputModes),
		})
	}
	return all
}
