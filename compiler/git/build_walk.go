package git

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/lock"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// walk is one comparison of a branch with what is wanted.
type walk struct {
	from  branch
	plan  Plan
	asked []*slot                // files whose content tells whose they are
	seen  map[plumbing.Hash]bool // objects of the next commit
	built *Built
}

// folder is a folder of the branch that does not hold exactly what is wanted.
type folder struct {
	*node
	held    plumbing.Hash      // its tree in the branch; zero: there is none
	entries []object.TreeEntry // of that tree
	slots   []slot             // the entries and what is wanted, merged, in Git's order
	twins   map[string]*node   // what is wanted, by folded name
}

// slot is one name in a folder: an entry of the branch, a node, or both.
type slot struct {
	held   object.TreeEntry // zero: nothing is there
	*node                   // nil: we know nothing of it
	inside *folder          // of a folder in both that is not the same
	ours   bool             // a file in both that is as we once wrote it
}

func (p *slot) there() bool { return !p.held.Hash.IsZero() }

// read merges a folder of the branch with what is known of it, and so on downwards, but not where both are the same.
func (w *walk) read(n *node, held plumbing.Hash, at string) (*folder, error) {
	f := &folder{node: n, held: held}
	if held.IsZero() {
		return f, w.merge(f)
	}
	var err error
	if f.entries, err = w.from.Tree(held); err != nil {
		return nil, fmt.Errorf("read the folder %q of the branch: %w", at, err)
	}
	if err := checkEntries(at, f.entries); err != nil {
		return nil, err
	}
	return f, w.merge(f)
}

// merge walks along both lists, which have the same order. A file and a folder of one name are two slots.
func (w *walk) merge(f *folder) error {
	entries, nodes := f.entries, f.nodes
	for len(entries)+len(nodes) > 0 {
		var p slot
		order := 1 // a node alone
		if len(entries) > 0 {
			order = -1 // an entry alone
		}
		if len(entries) > 0 && len(nodes) > 0 {
			order = strings.Compare(sortKey(entries[0].Name, entries[0].Mode == filemode.Dir), sortKey(nodes[0].name, nodes[0].folder))
		}
		if order <= 0 {
			p.held, entries = entries[0], entries[1:]
		}
		if order >= 0 {
			p.node, nodes = nodes[0], nodes[1:]
		}
		if p.there() || p.wanted {
			f.slots = append(f.slots, p)
		}
	}
	return w.look(f)
}

// look reads on where folders differ, and notes the files whose content must be seen.
func (w *walk) look(f *folder) error {
	for i := range f.slots {
		p := &f.slots[i]
		switch {
		case p.node == nil || !p.there():
		case !p.folder:
			if !p.same() && regular(p.held.Mode) && len(w.owned(p)) > 0 && !w.plan.Discard {
				w.asked = append(w.asked, p)
			}
		case !p.same():
			var err error
			if p.inside, err = w.read(p.node, p.held.Hash, p.path); err != nil {
				return err
			}
		}
	}
	return nil
}

// same says that the branch holds exactly what is wanted.
func (p *slot) same() bool {
	return p.wanted && p.held.Hash == p.id && (p.folder || regular(p.held.Mode))
}

// regular files are those that Git would not make executable; very old repositories hold them with more than one mode.
func regular(mode filemode.FileMode) bool { return mode&0o170000 == 0o100000 && mode&0o100 == 0 }

// owned are the digests by which we know a file as ours.
func (w *walk) owned(p *slot) []string { return w.plan.Owned[p.path[len(w.plan.Dir)+1:]] }

// ask reads everything whose content tells whose it is, in one go: the remote may be far away.
func (w *walk) ask(ctx context.Context) error {
	if len(w.asked) == 0 {
		return nil
	}
	var ids []plumbing.Hash
	for _, p := range w.asked {
		ids = append(ids, p.held.Hash)
	}
	slices.SortFunc(ids, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	blobs, err := w.from.Blobs(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, p := range w.asked {
		data, ok := blobs[p.held.Hash]
		if !ok {
			return fmt.Errorf("the content of %s (%s) is missing", p.path, p.held.Hash)
		}
		p.ours = slices.Contains(w.owned(p), lock.Digest(data))
	}
	return nil
}
