package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// hash is the id of an object of ours. go-git's hashes also look for crafted collisions, which costs a fifth more; these bytes
// were crafted by nobody but us.
func hash(kind plumbing.ObjectType, data []byte) (id plumbing.Hash) {
	h := sha1.New()
	h.Write(append(strconv.AppendInt(append(kind.Bytes(), ' '), int64(len(data)), 10), 0))
	h.Write(data)
	h.Sum(id[:0])
	return id
}

// sortKey is the name by which Git sorts a tree.
func sortKey(name string, folder bool) string {
	if folder {
		return name + "/"
	}
	return name
}

// encodeTree writes a tree.
func encodeTree(entries []object.TreeEntry) []byte {
	var data []byte
	for _, e := range entries {
		data = append(strconv.AppendUint(data, uint64(e.Mode), 8), ' ')
		data = append(append(data, e.Name...), 0)
		data = append(data, e.Hash[:]...)
	}
	return data
}

// readTree reads a tree and keeps modes as they stand there: go-git's own decoder makes 100644 of 100664, and a tree that is
// written back so would change files of somebody else.
func readTree(from storer.EncodedObjectStorer, id plumbing.Hash) ([]object.TreeEntry, error) {
	o, err := from.EncodedObject(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	in, err := o.Reader()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return decodeTree(data)
}

func decodeTree(data []byte) ([]object.TreeEntry, error) {
	var entries []object.TreeEntry
	for len(data) > 0 {
		mode, rest, spaced := bytes.Cut(data, []byte{' '})
		name, rest, ended := bytes.Cut(rest, []byte{0})
		if !spaced || !ended || len(rest) < sha1.Size {
			return nil, fmt.Errorf("entry %d of the tree is cut off", len(entries))
		}
		number, err := strconv.ParseUint(string(mode), 8, 32)
		if err != nil {
			return nil, fmt.Errorf("entry %d of the tree has the mode %q", len(entries), mode)
		}
		entries = append(entries, object.TreeEntry{Name: string(name), Mode: filemode.FileMode(number), Hash: plumbing.Hash(rest[:sha1.Size])})
		data = rest[sha1.Size:]
	}
	return entries, nil
}

// checkEntries refuses trees that no Git makes. Whoever could push one hopes that programs read it in different ways.
func checkEntries(at string, entries []object.TreeEntry) error {
	names := make(map[string]bool, len(entries))
	last := ""
	for _, e := range entries {
		key := sortKey(e.Name, e.Mode == filemode.Dir)
		reason := ""
		switch err := checkName(e.Name); {
		case err != nil:
			reason = err.Error() + "; remove it there"
		case names[e.Name]:
			reason = "it is there twice; remove one there"
		case key < last:
			reason = "it is in the wrong place of its folder; commit that folder once with Git"
		case e.Hash.IsZero():
			reason = "it has no content; remove it there"
		}
		if reason != "" {
			return &PlaceError{at + e.Name, "cannot stay in the branch: " + reason}
		}
		names[e.Name], last = true, key
	}
	return nil
}
