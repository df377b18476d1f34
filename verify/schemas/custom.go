package schemas

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// custom is one served version of a CustomResourceDefinition.
type custom struct {
	definition definition
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	cel        *cel.Validator // nil where there are no rules
}

// definition is a CustomResourceDefinition and one of its versions.
type definition struct {
	from    string
	crd     *apiextensionsv1.CustomResourceDefinition
	version apiextensionsv1.CustomResourceDefinitionVersion
}

// AddCRDs adds the served versions of the CustomResourceDefinitions in a YAML file.
func (s *Set) AddCRDs(source, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	docs, err := split(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, doc := range docs {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(doc, crd); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := s.addCRD(source, crd); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (s *Set) addCRD(source string, crd *apiextensionsv1.CustomResourceDefinition) error {
	if crd.Kind != "CustomResourceDefinition" {
		return fmt.Errorf("a %q is no definition", crd.Kind)
	}
	for _, version := range crd.Spec.Versions {
		if version.Served {
			s.definitions[schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}] = definition{source, crd, version}
		}
	}
	return nil
}

func newCustom(d definition) (*custom, error) {
	if d.version.Schema == nil {
		return nil, errors.New("its definition has none")
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(d.version.Schema.OpenAPIV3Schema, props, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, err
	}
	if errs := structuralschema.ValidateStructural(nil, structural); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	if err := defaulting.PruneDefaults(structural); err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	return &custom{
		definition: d,
		structural: structural,
		schema:     validator,
		cel:        cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, err
}

func (c *custom) source() string { return c.definition.from }

// stored follows the API server's decoder for custom resources: what it does not know is named and dropped, then defaults
// are added.
func (c *custom) stored(o Object) (map[string]any, []string) {
	object := runtime.DeepCopyJSON(o.Object)
	_, _, problems, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	problems = append(problems, pruning.PruneWithOptions(object, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, c.structural)
	embedded, paths := objectmeta.CoerceWithOptions(nil, object, c.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	problems = append(problems, paths...)
	for i, path := range problems {
		problems[i] = "unknown field " + path
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	if embedded != nil {
		problems = append(problems, embedded.Error())
	}
	defaulting.Default(object, c.structural)
	return object, problems
}

// check follows the validation of a custom resource that is created. CEL rules run only on what is otherwise valid, as in
// the API server.
func (c *custom) check(o Object) []string {
	object, problems := c.stored(o)
	if c.definition.version.Deprecated {
		problems = append(problems, "the version "+o.GetAPIVersion()+" is deprecated")
	}
	namespaced := c.definition.crd.Spec.Scope == apiextensionsv1.NamespaceScoped
	errs := apivalidation.ValidateObjectMetaAccessor(&o.Unstructured, namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, object, c.schema)...)
	errs = append(errs, objectmeta.Validate(nil, object, c.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.structural, object)...)
	if c.cel != nil && len(errs) == 0 {
		errs, _ = c.cel.Validate(context.Background(), nil, c.structural, object, nil, celconfig.RuntimeCELCostBudget)
	}
	for _, err := range errs {
		problems = append(problems, err.Error())
	}
	return problems
}
