// Package schemas judges objects as the API server does before it stores them: Kubernetes' own kinds by its Go types and its
// OpenAPI documents, the others by their CustomResourceDefinitions with all that those hold (structural schema, list types,
// CEL rules). It refuses what the API server would only drop or warn about: unknown fields, duplicate keys, deprecated
// versions. A kind without a schema is a problem, never passed over.
//
// It does not know the validation that is written in Go for Kubernetes' own kinds; package defaults runs that.
package schemas

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Set is a collection of schemas. It makes each when it is first needed, and so is not for use by several goroutines at once.
type Set struct {
	version     string // of Kubernetes
	openAPI     string // folder of its OpenAPI documents
	definitions map[schema.GroupVersionKind]definition
	kinds       map[schema.GroupVersionKind]kind
}

// kind is what is known of one kind.
type kind interface {
	check(o Object) []string
	source() string
}

// New returns a Set that knows Kubernetes' own kinds from the folder of its OpenAPI documents.
func New(version, openAPI string) *Set {
	return &Set{
		version: version, openAPI: openAPI,
		definitions: map[schema.GroupVersionKind]definition{},
		kinds:       map[schema.GroupVersionKind]kind{},
	}
}

// Check lists what is wrong with an object. It lists at least one problem where no schema is known.
func (s *Set) Check(o Object) []string {
	k, err := s.kind(o.GroupVersionKind())
	if err != nil {
		return []string{err.Error()}
	}
	return k.check(o)
}

// Stored is an object of a custom kind as the API server would store it: with the defaults of its schema, and without what
// the schema does not know. ok is false where the kind is not custom.
func (s *Set) Stored(o Object) (stored map[string]any, ok bool) {
	k, err := s.kind(o.GroupVersionKind())
	if err != nil {
		return nil, false
	}
	c, ok := k.(*custom)
	if ok {
		stored, _ = c.stored(o)
	}
	return stored, ok
}

// Source says where the schema of a kind comes from; empty if there is none.
func (s *Set) Source(gvk schema.GroupVersionKind) string {
	k, err := s.kind(gvk)
	if err != nil {
		return ""
	}
	return k.source()
}

func (s *Set) kind(gvk schema.GroupVersionKind) (kind, error) {
	if k := s.kinds[gvk]; k != nil {
		return k, nil
	}
	k, err := s.make(gvk)
	if err != nil {
		return nil, fmt.Errorf("no schema for %s %s: %w", gvk.GroupVersion(), gvk.Kind, err)
	}
	s.kinds[gvk] = k
	return k, nil
}

func (s *Set) make(gvk schema.GroupVersionKind) (kind, error) {
	if d, ok := s.definitions[gvk]; ok {
		return newCustom(d)
	}
	return newNative(s.version, s.openAPI, gvk)
}
