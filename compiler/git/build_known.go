package git

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// node is a place in the repository that we know: a file that is wanted or was ours, or a folder on the way to one.
type node struct {
	name   string
	path   string // in the repository; of a folder with a slash at its end
	folder bool
	above  bool    // a folder above Dir: what else is in it is none of our business
	nodes  []*node // of a folder, in Git's order

	wanted bool // false: it was ours once
	id     plumbing.Hash
	data   []byte
}

// known is the tree of all places that the plan knows, from the repository's root, with the hashes of what is wanted.
func known(p Plan) (*node, error) {
	for _, name := range strings.Split(p.Dir, "/") {
		if err := checkName(name); err != nil {
			return nil, &PlaceError{p.Dir, "is no folder in a repository: " + err.Error()}
		}
	}
	paths := slices.AppendSeq(p.Files.Paths(), maps.Keys(p.Owned))
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for i := range paths {
		paths[i] = p.Dir + "/" + paths[i]
	}
	root := &node{folder: true, above: true}
	files := root.grow(p.Dir+"/", paths)
	for _, f := range files {
		f.data, f.wanted = p.Files.File(f.path[len(p.Dir)+1:])
	}
	inParts(len(files), func(from, to int) struct{} {
		for _, f := range files[from:to] {
			if f.wanted {
				f.id = hash(plumbing.BlobObject, f.data)
			}
		}
		return struct{}{}
	})
	return root, root.hash()
}

// grow makes the nodes below a folder and returns those of files. Sorted paths are in Git's order, since a folder's path
// goes on with a slash, by which Git sorts it too.
func (n *node) grow(dir string, paths []string) (files []*node) {
	for len(paths) > 0 {
		name, _, deeper := strings.Cut(paths[0][len(n.path):], "/")
		if !deeper {
			file := &node{name: name, path: paths[0]}
			n.nodes, files, paths = append(n.nodes, file), append(files, file), paths[1:]
			continue
		}
		folder := &node{name: name, path: n.path + name + "/", folder: true}
		folder.above = len(folder.path) < len(dir)
		inside := slices.IndexFunc(paths, func(p string) bool { return !strings.HasPrefix(p, folder.path) })
		if inside < 0 {
			inside = len(paths)
		}
		n.nodes, files = append(n.nodes, folder), append(files, folder.grow(dir, paths[:inside])...)
		paths = paths[inside:]
	}
	return files
}

// hash gives a folder the tree that it would have if nobody else had put anything there.
func (n *node) hash() error {
	var entries []object.TreeEntry
	names := map[string]bool{}
	for _, child := range n.nodes {
		if child.folder {
			if err := child.hash(); err != nil {
				return err
			}
		}
		if !child.wanted {
			continue
		}
		if err := checkName(child.name); err != nil {
			return &PlaceError{child.path, "cannot be written: " + err.Error()}
		}
		if names[child.name] {
			return fmt.Errorf("%s is wanted both as a file and as a folder", strings.TrimSuffix(child.path, "/"))
		}
		names[child.name] = true
		entries = append(entries, child.entry())
	}
	n.wanted = len(entries) > 0
	n.data = encodeTree(entries)
	n.id = hash(plumbing.TreeObject, n.data)
	return nil
}

// entry is a wanted place as it stands in a tree.
func (n *node) entry() object.TreeEntry {
	mode := filemode.Regular
	if n.folder {
		mode = filemode.Dir
	}
	return object.TreeEntry{Name: n.name, Mode: mode, Hash: n.id}
}

// checkName refuses what would lead out of the folder, or into the repository itself, where the branch is checked out.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("%q is no name of a file", name)
	case strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1"):
		return fmt.Errorf("%q would be Git's own folder where the branch is checked out", name)
	}
	return nil
}
