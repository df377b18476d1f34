package schemas

import (
	"context"
	"errors"
	"fmt"

	"agentc/verify/object"

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
)

// custom is one served version of a CustomResourceDefinition.
type custom struct {
	definition definition
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	cel        *cel.Validator // nil where there are no rules
}

// definition is a CustomResourceDefinition and one of its served versions.
type definition struct {
	crd     *apiextensionsv1.CustomResourceDefinition
	version apiextensionsv1.CustomResourceDefinitionVersion
}

func (d definition) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: d.crd.Spec.Group, Version: d.version.Name, Kind: d.crd.Spec.Names.Kind}
}

// AddCRDs adds the served versions of the CustomResourceDefinitions in a YAML file.
func (s *Set) AddCRDs(source string, file []byte) error {
	found, err := definitions(file)
	for _, d := range found {
		s.add(d.gvk(), source, func() (*custom, error) { return newCustom(d) })
	}
	return err
}

func definitions(file []byte) ([]definition, error) {
	objects, err := object.Split("definitions", file)
	var found []definition
	for _, o := range objects {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, crd); err != nil {
			return nil, err
		}
		if crd.Kind != "CustomResourceDefinition" {
			return nil, fmt.Errorf("a %q is no definition", crd.Kind)
		}
		for _, version := range crd.Spec.Versions {
			if version.Served {
				found = append(found, definition{crd, version})
			}
		}
	}
	return found, err
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

// check follows the API server's decoder for custom resources, then its validation of one that is created. What the decoder does not know
// is named and dropped, then defaults are added. CEL rules run only on what is otherwise valid, as in the API server.
func (c *custom) check(o *object.Object) (stored map[string]any, problems []Problem) {
	stored, problems = c.stored(o)
	if c.definition.version.Deprecated {
		problems = append(problems, Problem{"apiVersion", "the version " + o.GetAPIVersion() + " is deprecated"})
	}
	namespaced := c.definition.crd.Spec.Scope == apiextensionsv1.NamespaceScoped
	errs := apivalidation.ValidateObjectMetaAccessor(&o.Unstructured, namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, stored, c.schema)...)
	errs = append(errs, objectmeta.Validate(nil, stored, c.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.structural, stored)...)
	if c.cel != nil && len(errs) == 0 {
		errs, _ = c.cel.Validate(context.Background(), nil, c.structural, stored, nil, celconfig.RuntimeCELCostBudget)
	}
	for _, err := range errs {
		problems = append(problems, Problem{err.Field, err.Error()})
	}
	return stored, problems
}

func (c *custom) stored(o *object.Object) (map[string]any, []Problem) {
	stored := runtime.DeepCopyJSON(o.Object)
	_, _, unknown, err := objectmeta.GetObjectMetaWithOptions(stored, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	unknown = append(unknown, pruning.PruneWithOptions(stored, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(stored, c.structural)
	embedded, paths := objectmeta.CoerceWithOptions(nil, stored, c.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	var problems []Problem
	for _, path := range append(unknown, paths...) {
		problems = append(problems, Problem{path, "unknown field " + path})
	}
	if err != nil {
		problems = append(problems, Problem{"metadata", err.Error()})
	}
	if embedded != nil {
		problems = append(problems, Problem{embedded.Field, embedded.Error()})
	}
	defaulting.Default(stored, c.structural)
	return stored, problems
}
