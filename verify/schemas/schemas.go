// Package schemas judges objects as the API server does before it stores them: those of custom kinds by their
// CustomResourceDefinitions with all that those hold (structural schema, list types, CEL rules), Kubernetes' own by its own code, in
// package defaults. It refuses what the API server would only drop or warn about: unknown fields, duplicate keys, deprecated
// versions. A kind without a schema is a problem, never passed over.
package schemas

import (
	"fmt"
	"sync"

	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Set is a collection of schemas of custom kinds. It makes each when it is first needed: that costs more than thousands of objects do.
type Set struct {
	kinds map[schema.GroupVersionKind]*kind
}

// kind is what is known of one kind.
type kind struct {
	from string
	made func() (*custom, error) // once
}

// Problem is something that is wrong with an object.
type Problem struct {
	Path string // of the field: `spec.rules[0]`; empty if it is about the object as a whole
	Text string // names the field too
}

func (p Problem) String() string { return p.Text }

// New returns a Set that knows nothing yet.
func New() *Set { return &Set{kinds: map[schema.GroupVersionKind]*kind{}} }

// Knows says whether there is a schema of a kind.
func (s *Set) Knows(gvk schema.GroupVersionKind) bool { return s.kinds[gvk] != nil }

// Source says where the schema of a kind comes from; empty if there is none.
func (s *Set) Source(gvk schema.GroupVersionKind) string {
	if k := s.kinds[gvk]; k != nil {
		return k.from
	}
	return ""
}

// Check lists what is wrong with an object. It lists at least one problem where no schema is known.
func (s *Set) Check(o *object.Object) []Problem {
	_, problems := s.judge(o)
	return problems
}

// Stored is an object as the API server would store it: with the defaults of its schema, and without what the schema does not
// know. ok is false where the kind is not known.
func (s *Set) Stored(o *object.Object) (stored map[string]any, ok bool) {
	stored, _ = s.judge(o)
	return stored, stored != nil
}

func (s *Set) judge(o *object.Object) (stored map[string]any, problems []Problem) {
	gvk := o.GroupVersionKind()
	k := s.kinds[gvk]
	if k == nil {
		return nil, []Problem{{"kind", fmt.Sprintf("no schema for %s %s", gvk.GroupVersion(), gvk.Kind)}}
	}
	c, err := k.made()
	if err != nil {
		return nil, []Problem{{"kind", fmt.Sprintf("no schema for %s %s: %v", gvk.GroupVersion(), gvk.Kind, err)}}
	}
	return c.check(o)
}

func (s *Set) add(gvk schema.GroupVersionKind, from string, makeIt func() (*custom, error)) {
	s.kinds[gvk] = &kind{from: from, made: sync.OnceValues(makeIt)}
}
