// Package disk keeps generated files on disk in step with the tree in memory, and never touches what somebody else put or
// changed there.
//
// Whose a file is, is decided by its content: the lock lists every artifact with its SHA-256. Compile first writes
// agentc.lock.next, then the files, then renames it to agentc.lock.json. A file that matches the old lock, the next lock or
// the wanted bytes is ours, so a run that was killed at any moment is finished by the next one; any other content was put
// there by someone, is named, and stays unless they say --discard-edits.
package disk

import (
	"errors"
	"io/fs"
	"os"

	"agentc/compiler/lock"
)

// nextName is the lock of a run that has not finished.
const nextName = "agentc.lock.next"

// readLock reads a lock; a missing one is empty.
func readLock(root *os.Root, name string) (*lock.Lock, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &lock.Lock{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // reading a pipe would never end
		return nil, &lock.Error{Reason: name + " is no regular file: remove it, and compile again"}
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return lock.Parse(name, data)
}

// readSealed gives the digests of the files that a seal changed: these are ours too, though no lock has them. Seals that
// cannot be read make nothing ours.
func readSealed(root *os.Root) (map[string]string, error) {
	data, err := readAdded(root, lock.SealName)
	if err != nil || data == nil {
		return nil, err
	}
	seals, err := lock.ParseSeals(data)
	if err != nil {
		return nil, nil
	}
	return seals.Files, nil
}
