package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

func TestJSONSchemaIsStable(t *testing.T) {
	first, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := JSONSchema(); !bytes.Equal(first, again) {
			t.Fatal("two schemas differ")
		}
	}
}

func TestJSONSchemaIsClosed(t *testing.T) {
	for name, def := range readSchema(t).Defs {
		if def.AdditionalProperties != false {
			t.Errorf("%s takes unknown properties", name)
		}
		for property, s := range def.Properties {
			if s.Description == "" {
				t.Errorf("%s.%s has no description", name, property)
			}
		}
	}
}

// TestJSONSchemaAgrees changes one place of a good document and asks both the decoder and the schema.
func TestJSONSchemaAgrees(t *testing.T) {
	const platform = `apiVersion: agents.d/v1alpha1
kind: Platform
metadata: {name: platform}
spec:
  fleet: soc
  teams: [{name: ai, email: ai@acme.example, owners: ["@acme/ai"], owns: agents}]
  registries: [registry.soc.example]
  runtime: {image: i, replicas: 3, storage: 10Gi}
  peers: {prometheus: {labels: {app: prometheus}, port: 9090}}
  git: {repository: "https://git.soc.example/agents.git", path: out}
  environments:
    - {name: dev, trustDomain: dev.example, cluster: "https://k.example", issuer: {kind: Issuer, name: ca}, ca: [pem]}
`
	const policy = `apiVersion: agents.d/v1alpha1
kind: ReviewerPolicy
metadata: {name: soc}
spec:
  team: soc
  rules: [{id: a, reason: r, match: {skills: [a/b], risks: [low]}, when: {confidence: {atLeast: 0.5}}, verdict: escalate}]
  anomaly: {percentile: 97, bounds: {min: 90, max: 99}, always: [Alert], overrides: [{id: o, percentile: 5, expires: "2027-01-31"}]}
`
	agent := fmt.Sprintf(goodAgent, "detect")
	schema := readSchema(t)
	for _, c := range []struct {
		text, from, to string
		good           bool
	}{
		{agent, "", "", true},
		{agent, "v1alpha1", "v1", false},
		{agent, "kind: Agent", "kind: agent", false},
		{agent, "kind: Agent\n", "", false},
		{agent, "kind: Agent", "kind: Platform", false},
		{agent, "{name: detect}", "{}", false},
		{agent, "{name: detect}", "{name: Detect}", false},
		{agent, "{name: detect}", "{name: detect, labels: {}}", false},
		{agent, "  team: ai\n", "", false},
		{agent, "unusual.", strings.Repeat("x", 1025), false},
		{agent, "description: Detects what is unusual.", `description: ""`, false},
		{agent, "prompt:", "Prompt:", false},
		{agent, "version: 1.0.0", `version: "1"`, false},
		{agent, "risk: low", "risk: lowest", false},
		{agent, "[triage]", "[Triage]", false},
		{agent, "[triage]", "[]", false},
		{agent, "skills: [score]", "skills: []", false},
		{agent, "skills: [score]", "skills: score", false},
		{agent, "min: 2", "min: 0", false},
		{agent, "min: 2", "min: 2.5", false},
		{agent, "min: 2", `min: "2"`, false},
		{agent, "cpu: 500m", "cpu: 2", true},
		{agent, "cpu: 500m", "cpu: 0.5", true},
		{agent, "cpu: 500m", "cpu: half", false},
		{agent, "request: 30s", "request: 1h", true},
		{agent, "request: 30s", "request: 30", false},
		{agent, "request: 30s", "request: 1d", false},
		{agent, "LOG_LEVEL: info", "LOG-LEVEL: info", false},
		{agent, "LOG_LEVEL: info", "LOG_LEVEL: {}", false},
		{agent, "  workload:", "  entry: true\n  workload:", true},
		{agent, "  workload:", "  entry: \"true\"\n  workload:", false},
		{agent, "  workload:", "  isolation: team\n  workload:", true},
		{agent, "  workload:", "  isolation: none\n  workload:", false},
		{agent, "replicas:", "replica:", false},
		{platform, "", "", true},
		{platform, "owns: agents", "owns: all", false},
		{platform, `["@acme/ai"]`, "[acme]", false},
		{platform, `["@acme/ai"]`, "[]", false},
		{platform, "[registry.soc.example]", "[registry]", false},
		{platform, "replicas: 3", "replicas: 10", false},
		{platform, "port: 9090", "port: 65536", false},
		{platform, "{app: prometheus}", "{a b: prometheus}", false},
		{platform, "path: out", "path: ../out", false},
		{platform, "https://git.soc.example/agents.git", "git@git.soc.example:agents.git", true},
		{platform, "https://git.soc.example/agents.git", "https://token@git.soc.example/agents.git", false},
		{platform, "dev.example", "Dev.example", false},
		{platform, "kind: Issuer", "kind: issuer", false},
		{platform, "ca: [pem]", "ca: []", false},
		{policy, "", "", true},
		{policy, "verdict: escalate", "verdict: execute", false},
		{policy, "a/b", "a", false},
		{policy, "risks: [low]", "risks: [none]", false},
		{policy, "atLeast: 0.5", "atLeast: 1.5", false},
		{policy, "{atLeast: 0.5}", "{}", false},
		{policy, "percentile: 97", "percentile: 101", false},
		{policy, "[Alert]", "[alert]", false},
		{policy, `"2027-01-31"`, `"31.1.2027"`, false},
		{policy, "percentile: 97, ", "", false},
	} {
		text := strings.Replace(c.text, c.from, c.to, 1)
		if c.from != "" && text == c.text {
			t.Errorf("%q is not in the document", c.from)
		}
		doc, problems := readDocument("a.yaml", []byte(text))
		if good := doc != nil && len(problems) == 0; good != c.good {
			t.Errorf("%q for %q: the decoder says %v, want %v: %v", c.to, c.from, good, c.good, problems)
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if err := judge(schema, schema, value); (err == nil) != c.good {
			t.Errorf("%q for %q: the schema says %v, want good %v", c.to, c.from, err, c.good)
		}
	}
}

func readSchema(t *testing.T) *jsonSchema {
	t.Helper()
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonSchema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// judge validates a value by the part of JSON Schema that this package uses.
func judge(root, s *jsonSchema, value any) error {
	if s.Ref != "" {
		if err := judge(root, root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")], value); err != nil {
			return err
		}
	}
	if s.AnyOf != nil && !slices.ContainsFunc(s.AnyOf, func(a *jsonSchema) bool { return judge(root, a, value) == nil }) {
		return fmt.Errorf("%v fits no alternative", value)
	}
	if s.If != nil && judge(root, s.If, value) == nil {
		if err := judge(root, s.Then, value); err != nil {
			return err
		}
	}
	for _, all := range s.AllOf {
		if err := judge(root, all, value); err != nil {
			return err
		}
	}
	switch v := value.(type) {
	case map[string]any:
		return judgeObject(root, s, v)
	case []any:
		return judgeList(root, s, v)
	case string:
		return judgeText(s, v)
	case float64:
		return judgeNumber(s, v)
	case bool:
		return judgeType(s, "boolean")
	}
	return fmt.Errorf("unexpected %v", value)
}

func judgeType(s *jsonSchema, types ...string) error {
	if s.Type != "" && !slices.Contains(types, s.Type) || s.Const != "" || s.Enum != nil {
		return fmt.Errorf("%s instead of %s", types[0], s.Type)
	}
	return nil
}

func judgeObject(root, s *jsonSchema, v map[string]any) error {
	if err := judgeType(s, "object"); err != nil {
		return err
	}
	if len(v) < s.MinProperties {
		return fmt.Errorf("only %d properties", len(v))
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return fmt.Errorf("%s is missing", name)
		}
	}
	for name, value := range v {
		property := s.Properties[name]
		if property == nil {
			if property = additional(s); property == nil {
				if s.AdditionalProperties == false {
					return fmt.Errorf("%s is unknown", name)
				}
				continue
			}
		}
		if s.PropertyNames != nil {
			if err := judgeText(s.PropertyNames, name); err != nil {
				return err
			}
		}
		if err := judge(root, property, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// additional is the schema of properties without a name of their own, which json.Unmarshal has left generic.
func additional(s *jsonSchema) *jsonSchema {
	generic, ok := s.AdditionalProperties.(map[string]any)
	if !ok {
		return nil
	}
	data, _ := json.Marshal(generic)
	var a jsonSchema
	if json.Unmarshal(data, &a) != nil {
		return nil
	}
	return &a
}

func judgeList(root, s *jsonSchema, v []any) error {
	if err := judgeType(s, "array"); err != nil {
		return err
	}
	if len(v) < s.MinItems {
		return fmt.Errorf("only %d items", len(v))
	}
	for _, item := range v {
		if err := judge(root, s.Items, item); err != nil {
			return err
		}
	}
	return nil
}

func judgeText(s *jsonSchema, v string) error {
	switch length := utf8.RuneCountInString(v); {
	case s.Type != "" && s.Type != "string",
		s.Const != "" && s.Const != v,
		s.Enum != nil && !slices.Contains(s.Enum, v),
		s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v),
		length < s.MinLength, s.MaxLength > 0 && length > s.MaxLength:
		return fmt.Errorf("%q does not fit", v)
	}
	return nil
}

func judgeNumber(s *jsonSchema, v float64) error {
	switch {
	case s.Type == "integer" && v != math.Trunc(v),
		s.Type != "" && s.Type != "integer" && s.Type != "number", s.Const != "", s.Enum != nil,
		s.Minimum != nil && v < *s.Minimum, s.Maximum != nil && v > *s.Maximum,
		s.ExclusiveMinimum != nil && v <= *s.ExclusiveMinimum:
		return fmt.Errorf("%v does not fit", v)
	}
	return nil
}
