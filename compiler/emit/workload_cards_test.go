package emit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/a2aproject/a2a-go/v2/a2a"
	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestAgentCards(t *testing.T) {
	data := objectNamed[corev1.ConfigMap](t, workloadObjects(t, workloadEnv()), "analyse-cards").Data
	for _, c := range []struct {
		key, url string
		skills   []string
	}{
		{"agent-card.json", "https://analyse.soc-detect.svc.cluster.local:8443/", []string{"explain", "look"}},
		{"skills.explain.agent-card.json", "https://analyse.soc-detect.svc.cluster.local:8443/skills/explain", []string{"explain"}},
		{"skills.look.agent-card.json", "https://analyse.soc-detect.svc.cluster.local:8443/skills/look", []string{"look"}},
	} {
		var card a2a.AgentCard
		d := json.NewDecoder(strings.NewReader(data[c.key]))
		d.DisallowUnknownFields()
		if err := d.Decode(&card); err != nil {
			t.Fatalf("%s: %v", c.key, err)
		}
		var ids []string
		for _, s := range card.Skills {
			ids = append(ids, s.ID)
			if s.Tags == nil {
				t.Errorf("%s: %s has no list of tags", c.key, s.ID)
			}
		}
		if d := gocmp.Diff(c.skills, ids); d != "" {
			t.Errorf("%s: %s", c.key, d)
		}
		i := card.SupportedInterfaces[0]
		if len(card.SupportedInterfaces) != 1 || i.URL != c.url || i.ProtocolBinding != "JSONRPC" || i.ProtocolVersion != "1.0" || i.Tenant != "" {
			t.Errorf("%s: %+v", c.key, i)
		}
		if card.Name != "analyse" || card.Version != "1.4.0" || card.Description != `Does <analyse> & "nothing" else.` || !card.Capabilities.Streaming {
			t.Errorf("%s: %+v", c.key, card)
		}
		if e := card.Capabilities.Extensions; len(e) != 1 || e[0].URI != "urn:agents.d:skill:v1" || e[0].Required {
			t.Errorf("%s: %+v", c.key, e)
		}
		if _, ok := card.SecuritySchemes["mtls"].(a2a.MutualTLSSecurityScheme); !ok {
			t.Errorf("%s: %+v", c.key, card.SecuritySchemes)
		}
		if d := gocmp.Diff(a2a.SecurityRequirementsOptions{{"mtls": {}}}, card.SecurityRequirements); d != "" {
			t.Errorf("%s: %s", c.key, d)
		}
	}
	if !strings.Contains(data["agent-card.json"], "Does <analyse> & ") {
		t.Error("the card is written for browsers, not for readers")
	}
	if len(data) != 3 {
		t.Errorf("%d cards for an agent of two skills", len(data))
	}
}
