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
	Lock      bool     // agentc.lock.json itself is missing or stale

	temps []string

	// owned is what a killed run left behind: files of the old lock and of the next one, side by side, by their digests.
	// Nil where no run was killed.
	owned map[string]string
}

// Clean says that the folder holds exactly what it ought to.
func (s *Status) Clean() bool {
	return !s.Lock && len(s.Missing)+len(s.Stale)+len(s.Obsolete)+len(s.Edited)+len(s.Strangers) == 0
}

// Compare looks at a folder without changing it.
func Compare(dir string, tree *artifact.Tree, lock *Lock) (*Status, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &Status{Missing: tree.Paths(), Lock: true}, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return compare(root, tree, lock)
}

func compare(root *os.Root, tree *artifact.Tree, lock *Lock) (*Status, error) {
	old, err := readLock(root, LockName)
	if err != nil {
		return nil, err
	}
	next, err := readLock(root, nextName)
	if err != nil {
		next = &Lock{} // a torn one: written before any file, so no file is owed to it
	}
	s := &Status{}
	if next.Format != 0 {
		s.owned = map[string]string{}
	}
	found, err := s.walk(root)
	if err != nil {
		return nil, err
	}
	for _, p := range tree.Paths() {
		if !found[p] {
			s.Missing = append(s.Missing, p)
		}
	}
	for _, p := range sortedKeys(found) {
		if err := s.file(root, tree, p, old.Artifacts[p], next.Artifacts[p]); err != nil {
			return nil, err
		}
	}
	s.Lock, err = lockDiffers(root, lock)
	return s, err
}

// walk lists the regular files of the folder; anything else in it is a stranger.
func (s *Status) walk(root *os.Root) (map[string]bool, error) {
	found := map[string]bool{}
	err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() || p == LockName || p == nextName:
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

// file sorts one existing file into a list, or into none where it is as wanted.
func (s *Status) file(root *os.Root, tree *artifact.Tree, p, old, next string) error {
	want, wanted := tree.File(p)
	if !wanted && old == "" && next == "" {
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
	sum := digest(have)
	if s.owned != nil && (same || sum == old || sum == next) {
		s.owned[p] = sum
	}
	switch {
	case same:
	case sum != old && sum != next:
		s.Edited = append(s.Edited, p)
	case wanted:
		s.Stale = append(s.Stale, p)
	default:
		s.Obsolete = append(s.Obsolete, p)
	}
	return nil
}

func lockDiffers(root *os.Root, lock *Lock) (bool, error) {
	want, err := lock.Bytes()
	if err != nil {
		return false, err
	}
	have, err := root.ReadFile(LockName)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return !bytes.Equal(have, want), err
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
