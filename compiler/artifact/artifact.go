// Package artifact holds generated files in memory and is the only place where objects become bytes.
package artifact

import (
	"strings"

	"agentc/schema"
)

// Object is one Kubernetes object (or another YAML document) on its way into a file.
type Object struct {
	// File below the output folder that the object goes into: `prod/manifests/soc-detect/detect.yaml`.
	// Objects of one file are ordered by Wave, then in the order in which they were added.
	File string

	// Wave in which Argo CD applies the object. The emitter also writes it as the object's annotation.
	Wave int

	// Value is the object, from its upstream Go type. It must not change once Sizes or Tree.Add has seen it.
	Value any

	// From says which lines of the spec led to it. The first entry has an empty Path and stands for the whole object.
	From []Origin

	// yaml is Value encoded; nil until Sizes or Tree.Add needs it.
	yaml []byte
}

// Origin leads from a part of a generated object to the spec.
type Origin struct {
	Path string     // within the object: `spec.template.spec.containers[0].image`; empty for all of it
	Ref  schema.Ref // into the spec
}

// File is a generated file that is not YAML: JSON, Rego, text.
type File struct {
	Path string // below the output folder
	Data []byte
	From []Origin
}

// OriginAt is the nearest origin of the value at a path: the one with the longest Path that leads to it or to something
// around it. It is zero only where the object has no origin at all.
func (o *Object) OriginAt(path string) Origin {
	var nearest Origin
	for i, from := range o.From {
		if contains(from.Path, path) && (i == 0 || len(from.Path) > len(nearest.Path)) {
			nearest = from
		}
	}
	return nearest
}

// contains tells whether the value at outer is the one at inner or holds it: `spec.ports` holds `spec.ports[0].name`, and
// `spec.port` does not.
func contains(outer, inner string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}
