package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxLinks bounds how many links lead to one file.
const maxLinks = 8

// Made are the inputs of a compilation that a commit does not have with this content, sorted. An input is a file, as seen from
// the folder that OpenSource was given, and the SHA-256 of what the compiler read, in hexadecimal digits. The disk has no say:
// it may have changed since the compiler read it.
func (s *Source) Made(commit *SpecCommit, inputs map[string]string) ([]string, error) {
	root, err := s.tree(commit)
	if err != nil {
		return nil, err
	}
	tree := committedTree{".": root}
	var differ []string
	for file, sum := range inputs {
		place := filepath.FromSlash(file)
		if !filepath.IsAbs(place) {
			place = filepath.Join(s.dir, place)
		}
		rel, err := filepath.Rel(s.root, place)
		if err != nil {
			return nil, err
		}
		has, err := tree.sum(filepath.ToSlash(rel))
		if err != nil {
			return nil, fmt.Errorf("the repository around %s: commit %s: %s: %w", s.given, commit.Hash, file, err)
		}
		if has != sum {
			differ = append(differ, file)
		}
	}
	slices.Sort(differ)
	return differ, nil
}

// committedTree are folders of a commit by their paths; nil: there is no such folder. go-git by itself would read a folder again
// for each file in it.
type committedTree map[string]*object.Tree

func (t committedTree) folder(p string) (*object.Tree, error) {
	if known, ok := t[p]; ok {
		return known, nil
	}
	above, err := t.folder(path.Dir(p))
	if err != nil || above == nil {
		return nil, err
	}
	found, err := above.Tree(path.Base(p))
	if errors.Is(err, object.ErrDirectoryNotFound) {
		found, err = nil, nil
	}
	t[p] = found
	return found, err
}

// sum of a file's content; empty: there is no such file. A link is followed within the commit, as the compiler follows it.
func (t committedTree) sum(p string) (string, error) {
	for range maxLinks {
		folder, err := t.folder(path.Dir(p))
		if err != nil || folder == nil {
			return "", err
		}
		f, err := folder.File(path.Base(p))
		if errors.Is(err, object.ErrFileNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if f.Mode != filemode.Symlink {
			return sumOf(f)
		}
		target, err := f.Contents()
		if err != nil || path.IsAbs(target) {
			return "", err
		}
		p = path.Join(path.Dir(p), target)
	}
	return "", nil
}

func sumOf(f *object.File) (string, error) {
	r, err := f.Reader()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
