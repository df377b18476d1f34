package schemas_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

const components = "#/components/schemas/"

// openAPI judges Kubernetes' own kinds by its OpenAPI documents: a second opinion on what package defaults says of them.
type openAPI struct {
	version string // of Kubernetes
	folder  string // of the documents
	kinds   map[schema.GroupVersionKind]*spec.Schema
}

func (n *openAPI) source(gvk schema.GroupVersionKind) string {
	return n.version + " " + documentOf(gvk.GroupVersion())
}

// schema is a kind's, with what it refers to in the place of the references.
func (n *openAPI) schema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	if s := n.kinds[gvk]; s != nil {
		return s, nil
	}
	name := documentOf(gvk.GroupVersion())
	data, err := os.ReadFile(filepath.Join(n.folder, name))
	if err != nil {
		return nil, err
	}
	var doc spec3.OpenAPI
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if doc.Components == nil {
		return nil, fmt.Errorf("%s has no components", name)
	}
	n.kinds[gvk], err = expand(doc.Components.Schemas, gvk)
	return n.kinds[gvk], err
}

func documentOf(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "api__" + gv.Version + "_openapi.json"
	}
	return "apis__" + gv.Group + "__" + gv.Version + "_openapi.json"
}

func expand(schemas map[string]*spec.Schema, gvk schema.GroupVersionKind) (*spec.Schema, error) {
	for name, s := range schemas {
		if describes(s, gvk) {
			intOrString(schemas)
			return resolver.PopulateRefs(func(ref string) (*spec.Schema, bool) {
				found, ok := schemas[strings.TrimPrefix(ref, components)]
				return found, ok
			}, components+name)
		}
	}
	return nil, errors.New("not described there")
}

// intOrString removes a format that the validator takes for a type of its own; the schema's oneOf says what it means.
func intOrString(schemas map[string]*spec.Schema) {
	for _, s := range schemas {
		if s.Format == "int-or-string" {
			s.Format = ""
		}
	}
}

// describes tells a kind's own schema from those, like DeleteOptions, that list every kind they are used for.
func describes(s *spec.Schema, gvk schema.GroupVersionKind) bool {
	var kinds []schema.GroupVersionKind
	err := s.Extensions.GetObject("x-kubernetes-group-version-kind", &kinds)
	return err == nil && len(kinds) == 1 && kinds[0] == gvk
}

func (n *openAPI) check(o *object.Object) []string {
	gvk := o.GroupVersionKind()
	s, err := n.schema(gvk)
	if err != nil {
		return []string{fmt.Sprintf("no schema for %s %s: %v", gvk.GroupVersion(), gvk.Kind, err)}
	}
	problems := unknown("", o.Object, s)
	if err := decode(o); err != nil {
		problems = append(problems, err.Error())
	}
	for _, err := range validate.NewSchemaValidator(s, nil, "", strfmt.Default).Validate(o.Object).Errors {
		problems = append(problems, err.Error())
	}
	return problems
}

// decode reads an object into its type, strictly.
func decode(o *object.Object) error {
	typed, err := scheme.Scheme.New(o.GroupVersionKind())
	if err != nil {
		return err
	}
	return o.Into(typed)
}

// unknown lists the fields that a schema does not have. OpenAPI itself lets them pass.
func unknown(path string, value any, s *spec.Schema) []string {
	var problems []string
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			child := property(s, key)
			if child == nil {
				problems = append(problems, "unknown field "+path+"."+key)
				continue
			}
			problems = append(problems, unknown(path+"."+key, v[key], child)...)
		}
	case []any:
		for i, item := range v {
			if s.Items == nil || s.Items.Schema == nil {
				return append(problems, "unexpected list "+path)
			}
			problems = append(problems, unknown(fmt.Sprintf("%s[%d]", path, i), item, s.Items.Schema)...)
		}
	}
	return problems
}

func property(s *spec.Schema, key string) *spec.Schema {
	if p, ok := s.Properties[key]; ok {
		return &p
	}
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Schema
	}
	return nil
}
