package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Uncommitted are the files below some folders that differ from a commit, which is the one checked out: changed, new or gone;
// relative to the folder that OpenSource was given, sorted.
//
// What counts is what the compiler reads, so the index and .gitignore play no part, nor does the executable bit. Bytes are
// compared as they lie here: where core.autocrlf or a filter (Git LFS) changed them while checking out, the compiler has
// read something else than what was committed, and the file counts. So do the files of a submodule, which are in another
// repository's commit. A folder that the commit cannot hold is a *SourceError.
func (s *Source) Uncommitted(commit *SpecCommit, folders ...string) ([]string, error) {
	tree, err := s.tree(commit)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	differ := map[string]bool{}
	for _, folder := range folders {
		at, err := s.locate(folder)
		if err != nil {
			return nil, err
		}
		committed, err := filesBelow(tree, at)
		if err != nil {
			return nil, err
		}
		if err := compareFiles(root, at, committed, differ); err != nil {
			return nil, err
		}
	}
	return s.relative(slices.Collect(maps.Keys(differ)))
}

// tree is what a commit holds.
func (s *Source) tree(commit *SpecCommit) (*object.Tree, error) {
	c, err := s.commit(commit.Hash)
	if err != nil {
		return nil, err
	}
	return c.Tree()
}

// locate gives a folder's path in the repository.
func (s *Source) locate(folder string) (string, error) {
	path := filepath.Clean(folder)
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	rel, err := filepath.Rel(s.root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", &SourceError{fmt.Sprintf("%s lies outside the repository around %s, so no commit holds it: move it into the repository", folder, s.given)}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err == nil && real != path { // what lies behind the link may change while the link, as committed, stays
		return "", &SourceError{fmt.Sprintf("%s is reached through a link: name the folder that it leads to (%s)", folder, real)}
	}
	return filepath.ToSlash(rel), nil
}

// filesBelow lists the files of a commit below a folder, by their paths in the repository.
func filesBelow(tree *object.Tree, folder string) (map[string]object.TreeEntry, error) {
	files := map[string]object.TreeEntry{}
	prefix := ""
	if folder != "." {
		sub, err := tree.Tree(folder)
		if errors.Is(err, object.ErrDirectoryNotFound) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		tree, prefix = sub, folder+"/"
	}
	walker := object.NewTreeWalker(tree, true, nil)
	defer walker.Close()
	for {
		name, entry, err := walker.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if entry.Mode.IsFile() { // neither a folder nor a submodule, whose files are another repository's
			files[prefix+name] = entry
		}
	}
}

// compareFiles adds the files of a folder that differ from the committed ones.
func compareFiles(root *os.Root, folder string, committed map[string]object.TreeEntry, differ map[string]bool) error {
	err := fs.WalkDir(root.FS(), folder, func(p string, d fs.DirEntry, err error) error {
		switch {
		case p == folder && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir() || d.Name() == ".git":
			return nil
		case !d.Type().IsRegular() && d.Type() != fs.ModeSymlink: // a pipe or a device, which no commit can hold
			return nil
		}
		entry, ok := committed[p]
		delete(committed, p)
		same := false
		if ok {
			same, err = sameFile(root, p, d, entry)
		}
		if !same {
			differ[p] = true
		}
		return err
	})
	for p := range committed { // gone
		differ[p] = true
	}
	return err
}

// sameFile says whether a file has the type and the content of the committed one. A link's content is where it leads to.
func sameFile(root *os.Root, p string, d fs.DirEntry, committed object.TreeEntry) (bool, error) {
	if link := committed.Mode == filemode.Symlink; link != (d.Type() == fs.ModeSymlink) {
		return false, nil
	} else if link {
		target, err := root.Readlink(p)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(target)) == committed.Hash, err
	}
	f, err := root.Open(p)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	h := plumbing.NewHasher(plumbing.BlobObject, info.Size())
	_, err = io.Copy(h, f)
	return h.Sum() == committed.Hash, err
}

// relative names files as seen from the folder that OpenSource was given.
func (s *Source) relative(files []string) ([]string, error) {
	for i, p := range files {
		rel, err := filepath.Rel(s.dir, filepath.Join(s.root, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		files[i] = filepath.ToSlash(rel)
	}
	slices.Sort(files)
	return files, nil
}
