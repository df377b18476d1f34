// Package lock reads and writes what says whose a generated file is: agentc.lock.json, which the compiler writes, and the
// list of files in agentc.seal.json, which publishing adds. Both hold the SHA-256 of every file of ours; a file with any
// other content was changed by someone, and a file that stands in neither is somebody's own.
package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"agentc/compiler/artifact"
	"agentc/schema"

	strict "sigs.k8s.io/json"
)

// Names of our own files in the output folder.
const (
	Name          = "agentc.lock.json"
	SealName      = "agentc.seal.json"   // what sealing changed and signed
	StatementName = "agentc.intoto.json" // the provenance, signed
)

// Format is raised when a reader of an older lock would misunderstand a newer one.
const Format = 1

// maxSize bounds what is read: 70,000 artifacts with long names need some 20 MB.
const maxSize = 64 << 20

// Lock says what was compiled from what, by which compiler. It holds no time and no machine: the same spec gives the same
// lock.
type Lock struct {
	Format    int               `json:"format"`
	Compiler  string            `json:"compiler"`
	Fleet     string            `json:"fleet"`
	Inputs    map[string]string `json:"inputs"`    // file of the spec → sha256:<hex>
	Artifacts map[string]string `json:"artifacts"` // file below the output folder → sha256:<hex>
}

// New is the lock of a compilation.
func New(compiler, fleet string, inputs []schema.Input, tree *artifact.Tree) *Lock {
	l := &Lock{Format: Format, Compiler: compiler, Fleet: fleet, Inputs: map[string]string{}, Artifacts: map[string]string{}}
	for _, in := range inputs {
		l.Inputs[in.File] = "sha256:" + in.SHA256
	}
	for _, path := range tree.Paths() {
		l.Artifacts[path] = "sha256:" + tree.Digest(path)
	}
	return l
}

// Bytes of the lock as they are written.
func (l *Lock) Bytes() ([]byte, error) { return artifact.JSON(l) }

// Only is the lock of some of the artifacts: of those that are published together.
func (l *Lock) Only(keep func(path string) bool) *Lock {
	kept := make(map[string]string, len(l.Artifacts))
	for path, digest := range l.Artifacts {
		if keep(path) {
			kept[path] = digest
		}
	}
	return l.Owning(kept)
}

// Owning is the lock with other artifacts: those that a killed run left behind.
func (l *Lock) Owning(artifacts map[string]string) *Lock {
	return &Lock{Format: Format, Compiler: l.Compiler, Fleet: l.Fleet, Inputs: l.Inputs, Artifacts: artifacts}
}

// Error says that a lock cannot be used as it stands, which is the user's to mend: a merge left its marks in it, or a newer
// compiler wrote it.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

// Parse reads a lock. What is wrong with it is an *Error that calls it by the name.
func Parse(name string, data []byte) (*Lock, error) {
	l := &Lock{}
	if len(data) > maxSize {
		return nil, &Error{fmt.Sprintf("%s has %d bytes, more than any lock of ours (%d)", name, len(data), maxSize)}
	}
	if err := read(data, l, strict.DisallowDuplicateFields); err != nil {
		return nil, &Error{fmt.Sprintf("%s is damaged (%v): restore it, with all that lies beside it, from Git's history; after a merge take one side's as a whole, and compile again", name, err)}
	}
	if l.Format != Format {
		return nil, &Error{fmt.Sprintf("%s has format %d, this compiler knows %d: use the compiler that wrote it (%q)", name, l.Format, Format, l.Compiler)}
	}
	return l, nil
}

// read refuses what readers of JSON read differently: a key that is given twice, or in another case.
func read(data []byte, v any, options ...strict.StrictOption) error {
	found, err := strict.UnmarshalStrict(data, v, options...)
	if err == nil && len(found) > 0 {
		return found[0]
	}
	return err
}

// Digest of a file's content, as a lock holds it.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
