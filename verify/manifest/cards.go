package manifest

import (
	"strings"

	"agentc/verify/claims"
)

// An Agent Card as A2A 1.0 has it: one for all skills, and one for each. Publishing may have signed it.
type (
	agentCard struct {
		Interfaces   []cardInterface           `json:"supportedInterfaces"`
		Capabilities cardCapabilities          `json:"capabilities"`
		InputModes   []string                  `json:"defaultInputModes"`
		OutputModes  []string                  `json:"defaultOutputModes"`
		Description  string                    `json:"description"`
		Docs         string                    `json:"documentationUrl,omitempty"`
		Name         string                    `json:"name"`
		Requirements []map[string]any          `json:"securityRequirements"`
		Schemes      map[string]map[string]any `json:"securitySchemes"`
		Skills       []cardSkill               `json:"skills"`
		Version      string                    `json:"version"`
	}
	cardInterface struct {
		URL      string `json:"url"`
		Binding  string `json:"protocolBinding"`
		Protocol string `json:"protocolVersion"`
	}
	cardCapabilities struct {
		Extensions []map[string]string `json:"extensions"`
		Streaming  bool                `json:"streaming,omitempty"`
	}
	cardSkill struct {
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Tags        []string `json:"tags"`
		Examples    []string `json:"examples,omitempty"`
		InputModes  []string `json:"inputModes,omitempty"`
		OutputModes []string `json:"outputModes,omitempty"`
	}
)

// Card is the card of one skill, or of the whole agent where none is named.
func (s *scope) Card(skill string) (string, error) {
	c := s.R.Card
	url := "https://" + s.callee.Host + ":8443/"
	if skill != "" {
		url += "skills/" + skill
	}
	card := agentCard{
		Name: s.W.Name, Description: c.Description, Version: c.Version, Docs: c.DocumentationURL,
		Interfaces: []cardInterface{{url, "JSONRPC", "1.0"}},
		Capabilities: cardCapabilities{Streaming: c.Streaming, Extensions: []map[string]string{{
			"uri":         "urn:agents.d:skill:v1",
			"description": "Names the skill that a call asks for. A skill's own URL says the same; where both do, they must agree.",
		}}},
		InputModes: c.InputModes, OutputModes: c.OutputModes,
		Requirements: []map[string]any{{"schemes": map[string][]string{"mtls": {}}}},
		Schemes: map[string]map[string]any{"mtls": {"mtlsSecurityScheme": map[string]string{
			"description": "A certificate with one SPIFFE id of " + s.Env.TrustDomain + ".",
		}}},
		Skills: cardSkills(c, skill),
	}
	text, err := quoted(card)
	return strings.TrimSuffix(text, "}") + `, "signatures": !people? }`, err
}

func cardSkills(c *claims.Card, only string) []cardSkill {
	all := []cardSkill{}
	for _, s := range c.Skills {
		if only == "" || s.ID == only {
			all = append(all, cardSkill{s.ID, s.Name, s.Description, append([]string{}, s.Tags...), s.Examples, s.InputModes, s.OutputModes})
		}
	}
	return all
}
