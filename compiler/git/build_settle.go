package git

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// settle decides about each slot of a folder, and returns its new tree; zero where nothing is left in it.
func (w *walk) settle(f *folder) (plumbing.Hash, error) {
	var entries []object.TreeEntry
	for i := range f.slots {
		entry, err := w.slot(f, &f.slots[i])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !entry.Hash.IsZero() {
			entries = append(entries, entry)
		}
	}
	switch {
	case len(entries) == 0:
		return plumbing.ZeroHash, nil
	case slices.Equal(entries, f.entries):
		return f.held, nil
	}
	// What is somebody else's is kept byte for byte: that holds only if what was read is all that stands there.
	if !f.held.IsZero() && hash(plumbing.TreeObject, encodeTree(f.entries)) != f.held {
		return plumbing.ZeroHash, &PlaceError{cmp.Or(f.path, "/"), "is not written as Git writes trees today; commit the folder once with Git, and publish again"}
	}
	return w.tree(entries), nil
}

// slot returns what stands in one slot from now on; the zero entry: nothing.
func (w *walk) slot(f *folder, p *slot) (object.TreeEntry, error) {
	switch {
	case p.node == nil:
		return w.stranger(f, p.held)
	case p.folder:
		return w.folder(f, p)
	default:
		return w.file(p), nil
	}
}

// file decides about a file that is wanted or was ours. Where the branch has something there that we know nothing of, be
// it a link or a file that somebody made executable, it is edited.
func (w *walk) file(p *slot) object.TreeEntry {
	switch {
	case !p.there():
		return w.add(p.node)
	case p.same():
		return p.held
	case !p.ours && !w.plan.Discard:
		w.built.Edited = append(w.built.Edited, p.path)
		return p.held
	case !p.wanted:
		w.change('D', p.path)
		return object.TreeEntry{}
	default:
		w.change('M', p.path)
		w.object(plumbing.BlobObject, p.id, p.data)
		return p.entry()
	}
}

// folder decides about a folder that holds something wanted, or held something of ours.
func (w *walk) folder(f *folder, p *slot) (object.TreeEntry, error) {
	switch {
	case !p.there():
		if err := f.checkAbove(p.node); err != nil {
			return object.TreeEntry{}, err
		}
		return w.add(p.node), nil
	case p.same():
		return p.held, nil
	}
	before := len(w.built.Strangers)
	id, err := w.settle(p.inside)
	if err != nil || id.IsZero() {
		return object.TreeEntry{}, err
	}
	if !p.wanted && f.twin(p.name) != nil { // only what somebody put there keeps the folder
		strangers := slices.Clone(w.built.Strangers[before:])
		w.built.Strangers = w.built.Strangers[:before]
		w.inTheWay(strangers...)
		if w.plan.Discard {
			return object.TreeEntry{}, nil
		}
	}
	return object.TreeEntry{Name: p.name, Mode: p.held.Mode, Hash: id}, nil
}

// stranger leaves alone what is not ours, unless it stands where ours must be: under the same name, or under one that some
// file systems do not tell from it.
func (w *walk) stranger(f *folder, entry object.TreeEntry) (object.TreeEntry, error) {
	path := f.path + sortKey(entry.Name, entry.Mode == filemode.Dir)
	switch {
	case f.above: // of no interest here; see checkAbove
	case f.twin(entry.Name) == nil:
		w.built.Strangers = append(w.built.Strangers, path)
	default:
		w.inTheWay(path)
		if w.plan.Discard {
			return object.TreeEntry{}, nil
		}
	}
	return entry, nil
}

// twin is what is wanted in a folder under a name, however it is written.
func (f *folder) twin(name string) *node {
	if f.twins == nil {
		f.twins = map[string]*node{}
		for _, n := range f.nodes {
			if n.wanted {
				f.twins[strings.ToLower(n.name)] = n
			}
		}
	}
	return f.twins[strings.ToLower(name)]
}

// checkAbove refuses to make a folder above Dir, or Dir itself, where something else has its name: that is not ours, and
// nothing is ever written through a link.
func (f *folder) checkAbove(n *node) error {
	if !f.above {
		return nil
	}
	for _, entry := range f.entries {
		switch {
		case !strings.EqualFold(entry.Name, n.name):
		case entry.Name == n.name:
			return &PlaceError{f.path + entry.Name, "is " + kind(entry.Mode) + " in the branch, and has to be a folder; remove it there, or publish to another folder"}
		default:
			return &PlaceError{f.path + entry.Name, "and " + n.name + " would be the same where file names know no case; publish to the one that is there, or to another folder"}
		}
	}
	return nil
}

func kind(mode filemode.FileMode) string {
	switch mode & 0o170000 {
	case 0o100000:
		return "a file"
	case 0o120000:
		return "a symbolic link"
	default:
		return "a submodule"
	}
}

// inTheWay notes what stands where ours must be.
func (w *walk) inTheWay(paths ...string) {
	for _, path := range paths {
		if w.plan.Discard {
			w.change('D', path)
		} else {
			w.built.Edited = append(w.built.Edited, path)
		}
	}
}

// add adds a file, or a folder with everything in it.
func (w *walk) add(n *node) object.TreeEntry {
	if !n.folder {
		w.change('A', n.path)
		w.object(plumbing.BlobObject, n.id, n.data)
		return n.entry()
	}
	for _, child := range n.nodes {
		if child.wanted {
			w.add(child)
		}
	}
	w.object(plumbing.TreeObject, n.id, n.data)
	return n.entry()
}

func (w *walk) change(op byte, path string) {
	w.built.Changes = append(w.built.Changes, Change{Op: op, Path: path})
}

// tree writes a folder.
func (w *walk) tree(entries []object.TreeEntry) plumbing.Hash {
	data := encodeTree(entries)
	id := hash(plumbing.TreeObject, data)
	w.object(plumbing.TreeObject, id, data)
	return id
}

func (w *walk) object(kind plumbing.ObjectType, id plumbing.Hash, data []byte) {
	if !w.seen[id] {
		w.seen[id] = true
		w.built.objects = append(w.built.objects, encoded{kind, id, data})
	}
}
