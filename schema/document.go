package schema

import "go.yaml.in/yaml/v4"

// Document is one file of the spec as written. Exactly one of Agent, Platform, Policy and Features is set.
type Document struct {
	// File is the path as a user would type it: `agents.d/remediate.yaml`.
	File string

	// Folder of the spec that it stands in, to which the files that it names are relative: `agents.d`. Empty where it was read by itself.
	Folder string

	Agent    *Agent
	Platform *Platform
	Policy   *ReviewerPolicy
	Features *Features

	root *yaml.Node
}

// Artifact is a file that a document names by its path.
func (s *Source) Artifact(doc *Document, path string) ArtifactFile {
	return s.Artifacts[doc.Folder+"/"+path]
}

// Ref points at a value of a document: `spec.accepts[0].from`. The empty path is the document itself.
type Ref struct {
	Doc  *Document
	Path string
}

// Position of the value, or of the nearest thing around it that was written.
func (r Ref) Position() Position { return r.Doc.At(r.Path) }

// Rego is one file of users' Rego, as written.
type Rego struct {
	File string
	Text []byte
}

// Input is one file that was read.
type Input struct {
	File   string
	SHA256 string // 64 hex digits
}

// Source is the whole spec as written. Every list is sorted by file.
type Source struct {
	Agents    []*Document
	Platforms []*Document
	Policies  []*Document
	Features  []*Document
	Rego      []Rego // tests (`_test.rego`) are not among them
	Inputs    []Input

	// Artifacts are the files that documents name, by their name: the folder of the spec, a slash, and the path below it. Of two documents that
	// name the same file, both mean this one.
	Artifacts map[string]ArtifactFile

	// Incomplete says that some file yielded no document or no Rego at all: it could not be read or parsed, or is of no
	// known kind. A name that is not found may then stand in it, so that a stage which resolves names holds its tongue.
	Incomplete bool
}

// ArtifactFile is a file that a document names.
type ArtifactFile struct {
	SHA256 string // 64 hex digits
	Data   []byte // nil where the compiler does not read it
}
