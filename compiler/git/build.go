package git

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"agentc/compiler/artifact"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Plan says what a folder of the branch shall hold.
type Plan struct {
	Dir     string              // folder in the repository; never empty
	Files   *artifact.Tree      // everything that is ours, by path below Dir
	Owned   map[string][]string // what was ours: path below Dir → the digests (sha256:<hex>) by which we know it
	Discard bool                // replace also what somebody edited
}

// Change is one file that the commit changes.
type Change struct {
	Op   byte   // 'A' added, 'M' modified, 'D' deleted
	Path string // in the repository; a folder of somebody else that Discard removes is one line with a slash at its end
}

// Built is the tree of the next commit.
type Built struct {
	Tree      plumbing.Hash // of the whole repository; zero where Edited stops the run
	Changes   []Change      // by path; none: the branch holds what it shall
	Edited    []string      // ours, changed by someone, or in the way of ours; paths in the repository, sorted; none with Discard
	Strangers []string      // below Dir, not ours, left alone; paths in the repository, sorted; a folder is one line with a slash at its end

	objects []encoded // what the branch may lack
}

// PlaceError says that files cannot be put where they belong: a name that Git refuses, a folder that runs through something
// that is none, a branch whose trees are broken. It is the user's to mend, and --discard-edits does not.
type PlaceError struct {
	Path   string // in the repository
	Reason string // goes on after the path
}

func (e *PlaceError) Error() string {
	path := e.Path
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		path = strconv.Quote(path)
	}
	return path + " " + e.Reason
}

// branch is what Build reads.
type branch interface {
	Tree(id plumbing.Hash) ([]object.TreeEntry, error)
	Blobs(ctx context.Context, ids []plumbing.Hash) (map[plumbing.Hash][]byte, error)
}

// Build compares the branch with the plan and makes the trees of the next commit. What stands above Dir, so that nothing can
// be put there, is a *PlaceError.
func (b *Base) Build(ctx context.Context, p Plan) (*Built, error) {
	var root plumbing.Hash
	if b.Commit != nil {
		root = b.Commit.TreeHash
	}
	return build(ctx, b, root, p)
}

// build goes three times over what differs: it reads the folders of the branch that differ from ours, asks at once for all
// files whose content tells whose they are, and then decides and writes. What is the same is not even read: our own folders
// are hashed first, and where the branch has the same hash, it has the same files and nothing else.
func build(ctx context.Context, from branch, root plumbing.Hash, p Plan) (*Built, error) {
	ours, err := known(p)
	if err != nil {
		return nil, err
	}
	w := &walk{from: from, plan: p, seen: map[plumbing.Hash]bool{}, built: &Built{}}
	top, err := w.read(ours, root, "")
	if err != nil {
		return nil, err
	}
	if err := w.ask(ctx); err != nil {
		return nil, err
	}
	id, err := w.settle(top)
	if err != nil {
		return nil, err
	}
	if id.IsZero() { // nothing is left of the repository, which needs a tree all the same
		id = w.tree(nil)
	}
	return w.finish(id), nil
}

func (w *walk) finish(tree plumbing.Hash) *Built {
	b := w.built
	slices.SortFunc(b.Changes, func(a, b Change) int { return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(b.Op, a.Op)) })
	slices.Sort(b.Edited)
	slices.Sort(b.Strangers)
	if len(b.Edited) > 0 {
		return &Built{Edited: b.Edited, Strangers: b.Strangers}
	}
	b.Tree = tree
	return b
}
