// Package schema is the spec as it is written: the Go types of the four kinds of document, and a strict reader that
// turns the files of agents.d/ and policies/ into typed documents which know the position of every value.
//
// It refuses what other YAML readers take silently: unknown and duplicate keys, anchors, tags, several documents in one
// file, words that YAML 1.1 reads as booleans, invisible characters. It applies no defaults and resolves no references:
// that is the model's work.
package schema

// APIVersion is the API group and version of every document.
const APIVersion = "agents.d/v1alpha1"

// Header opens every document.
type Header struct {
	// APIVersion is `agents.d/v1alpha1`.
	APIVersion string `json:"apiVersion" rule:"required,enum=agents.d/v1alpha1"`

	// Kind is `Agent`, `Platform`, `ReviewerPolicy` or `Features`.
	Kind string `json:"kind" rule:"required,enum=Agent|Platform|ReviewerPolicy|Features"`

	// Metadata names the document.
	Metadata Metadata `json:"metadata" rule:"required"`
}

// Metadata names a document.
type Metadata struct {
	// Name is unique among the documents of its kind: a DNS label, which begins with a letter.
	Name string `json:"name" rule:"required,name"`
}

// Risks from the lowest to the highest.
var Risks = []string{"low", "medium", "high", "critical"}

// Weekdays in their order.
var Weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// Verdicts from the mildest to the strictest.
var Verdicts = []string{"auto-execute", "escalate", "auto-reject"}
