package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"
)

// tempSuffix ends the name of a file that is being written. What a killed run left of them is removed by the next one.
const tempSuffix = ".agentc-tmp"

// Status compares a folder with what ought to be in it. Every list is sorted.
type Status struct {
	Missing   []string // wanted, not there
	Stale     []string // wanted with other bytes; what is there is ours
	Obsolete  []string // ours, no longer wanted
	Edited    []string // in our lock or wanted, but changed by someone
	Strangers []string // put there by someone
	Lock      string   // what is wrong with agentc.lock.json itself; empty: nothing

	temps   []string
	blocked []string // links and the like that stand where a file, or the folder of one, is wanted; they count as edited

	// owned is what a killed run left behind: files of the old lock and of the next one, side by side, by their digests.
	// Nil where no run was killed.
	owned map[string]string
}

// Clean says that the folder holds exactly what it ought to.
func (s *Status) Clean() bool {
	return s.Lock == "" && len(s.Missing)+len(s.Stale)+len(s.Obsolete)+len(s.Edited)+len(s.Strangers) == 0
}

// Compare looks at a folder without changing it.
func Compare(dir string, tree *artifact.Tree, wanted *lock.Lock) (*Status, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &Status{Missing: tree.Paths(), Lock: lockMissing}, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return compare(root, tree, wanted)
}

func compare(root *os.Root, tree *artifact.Tree, wanted *lock.Lock) (*Status, error) {
	old, err := readLock(root, lock.Name)
	if err != nil {
		return nil, err
	}
	next, err := readLock(root, nextName)
	if err != nil {
		next = &lock.Lock{} // a torn one: written before any file, so no file is owed to it
	}
	sealed, err := readSealed(root)
	if err != nil {
		return nil, err
	}
	s := &Status{}
	if next.Format != 0 {
		s.owned = map[string]string{}
	}
	found, err := s.walk(root, tree)
	if err != nil {
		return nil, err
	}
	for _, p := range tree.Paths() {
		if !found[p] {
			s.Missing = append(s.Missing, p)
		}
	}
	for _, p := range sortedKeys(found) {
		if err := s.file(root, tree, p, old.Artifacts[p], next.Artifacts[p], sealed[p]); err != nil {
			return nil, err
		}
	}
	s.sortTemps(tree, old, next)
	s.findBlocked(tree)
	s.Lock, err = lockFault(root, old, wanted)
	return s, err
}

// walk lists the regular files of the folder; anything else in it is a stranger.
func (s *Status) walk(root *os.Root, tree *artifact.Tree) (map[string]bool, error) {
	found := map[string]bool{}
	err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if _, wanted := tree.File(p); wanted { // a folder stands where a file is wanted
				s.Strangers = append(s.Strangers, p)
			}
		case p == lock.Name || p == nextName:
		case !d.Type().IsRegular():
			s.Strangers = append(s.Strangers, p)
		case strings.HasSuffix(path.Base(p), tempSuffix):
			s.temps = append(s.temps, p)
		default:
			found[p] = true
		}
		return nil
	})
	return found, err
}

// sortTemps leaves among the temporary files those that a run of ours can have left; another file of such a name is somebody's.
func (s *Status) sortTemps(tree *artifact.Tree, old, next *lock.Lock) {
	s.temps = slices.DeleteFunc(s.temps, func(p string) bool {
		file := strings.TrimSuffix(p, tempSuffix)
		_, wanted := tree.File(file)
		ours := wanted || old.Artifacts[file] != "" || next.Artifacts[file] != "" || file == lock.Name || file == nextName
		if !ours {
			s.Strangers = append(s.Strangers, p)
		}
		return !ours
	})
	slices.Sort(s.Strangers)
}

// findBlocked tells the strangers that are in the way from those that are not. Writing through a link would change what is
// behind it, and replacing it would take away what somebody put there: both are theirs to allow.
func (s *Status) findBlocked(tree *artifact.Tree) {
	wanted := map[string]bool{} // files, and the folders that they need
	for _, p := range tree.Paths() {
		for ; p != "." && !wanted[p]; p = path.Dir(p) {
			wanted[p] = true
		}
	}
	inTheWay := func(p string) bool { return wanted[p] }
	for _, p := range s.Strangers {
		if inTheWay(p) {
			s.blocked = append(s.blocked, p)
		}
	}
	s.Strangers = slices.DeleteFunc(s.Strangers, inTheWay)
	s.Edited = append(s.Edited, s.blocked...)
}

// file sorts one existing file into a list, or into none where it is as wanted. Ours are the digests by which the locks and
// the seals know it.
func (s *Status) file(root *os.Root, tree *artifact.Tree, p string, ours ...string) error {
	want, wanted := tree.File(p)
	byName := p == lock.SealName || p == lock.StatementName
	if !wanted && !byName && strings.Join(ours, "") == "" {
		s.Strangers = append(s.Strangers, p)
		return nil
	}
	have, err := root.ReadFile(p)
	if err != nil {
		return err
	}
	same := wanted && bytes.Equal(have, want)
	if same && s.owned == nil {
		return nil
	}
	sum := lock.Digest(have)
	is := same || byName || slices.Contains(ours, sum)
	if s.owned != nil && is {
		s.owned[p] = sum
	}
	switch {
	case same:
	case !is:
		s.Edited = append(s.Edited, p)
	case wanted:
		s.Stale = append(s.Stale, p)
	default:
		s.Obsolete = append(s.Obsolete, p)
	}
	return nil
}

const lockMissing = "is missing"

// lockFault says how the lock on disk differs from the wanted one.
func lockFault(root *os.Root, old, wanted *lock.Lock) (string, error) {
	want, err := wanted.Bytes()
	if err != nil {
		return "", err
	}
	have, err := root.ReadFile(lock.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return lockMissing, nil
	case err != nil || bytes.Equal(have, want):
		return "", err
	case old.Compiler != wanted.Compiler:
		return "was written by agentc " + old.Compiler + ", this is " + wanted.Compiler, nil
	default:
		return "is not the lock of this spec", nil
	}
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
