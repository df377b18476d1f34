// Package artifact holds generated files in memory and is the only place where objects become bytes.
package artifact

import "agentc/schema"

// Object is one Kubernetes object (or another YAML document) on its way into a file.
type Object struct {
	// File below the output folder that the object goes into: `prod/manifests/soc-detect/detect.yaml`.
	// Objects of one file are ordered by Wave, then in the order in which they were added.
	File string

	// Wave in which Argo CD applies the object. The emitter also writes it as the object's annotation.
	Wave int

	// Value is the object, from its upstream Go type.
	Value any

	// From says which lines of the spec led to it. The first entry has an empty Path and stands for the whole object.
	From []Origin
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
