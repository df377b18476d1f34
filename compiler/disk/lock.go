// Package disk keeps generated files on disk in step with the tree in memory, and never touches what somebody else put or
// changed there.
//
// Whose a file is, is decided by its content: the lock lists every artifact with its SHA-256. Compile first writes
// agentc.lock.next, then the files, then renames it to agentc.lock.json. A file that matches the old lock, the next lock or
// the wanted bytes is ours, so a run that was killed at any moment is finished by the next one; any other content was put
// there by someone, is named, and stays unless they say --discard-edits.
package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"agentc/compiler/artifact"
	"agentc/schema"
)

// Names of the lock in the output folder.
const (
	LockName = "agentc.lock.json"
	nextName = "agentc.lock.next"
)

// lockFormat is raised when a reader of an older lock would misunderstand a newer one.
const lockFormat = 1

// Lock says what was compiled from what, by which compiler. It holds no time and no machine: the same spec gives the same
// lock.
type Lock struct {
	Format    int               `json:"format"`
	Compiler  string            `json:"compiler"`
	Inputs    map[string]string `json:"inputs"`    // file of the spec → sha256:<hex>
	Artifacts map[string]string `json:"artifacts"` // file below the output folder → sha256:<hex>
}

// NewLock is the lock of a compilation.
func NewLock(compiler string, inputs []schema.Input, tree *artifact.Tree) *Lock {
	l := &Lock{Format: lockFormat, Compiler: compiler, Inputs: map[string]string{}, Artifacts: map[string]string{}}
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

// LockError says that agentc.lock.json cannot be used as it stands, which is the user's to mend: a merge left its marks in
// it, or a newer compiler wrote it.
type LockError struct{ reason string }

func (e *LockError) Error() string { return e.reason }

// readLock reads a lock; a missing one is empty.
func readLock(root *os.Root, name string) (*Lock, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // reading a pipe would never end
		return nil, &LockError{name + " is no regular file: remove it, and compile again"}
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &Lock{}
	if err := json.Unmarshal(data, l); err != nil {
		return nil, &LockError{fmt.Sprintf("%s is damaged (%v): take one side's generated/ as a whole from Git, and compile again", name, err)}
	}
	if l.Format != lockFormat {
		return nil, &LockError{fmt.Sprintf("%s has format %d, this compiler knows %d: use the compiler that wrote it (%s)", name, l.Format, lockFormat, l.Compiler)}
	}
	return l, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
