package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"
)

// ErrEdited says that files of ours were changed by someone; Status.Edited lists them, and nothing was written.
var ErrEdited = errors.New("generated files were edited by hand")

// ErrBusy says that another compiler is writing to the folder.
var ErrBusy = errors.New("another agentc is writing to the folder; wait for it to finish")

// Write makes the folder what it ought to be and returns what it found there. It writes only what differs and removes only
// what is ours. Strangers stay. With discard, edited files are overwritten.
func Write(dir string, tree *artifact.Tree, wanted *lock.Lock, discard bool) (*Status, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	unlock, err := exclusive(root)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := compare(root, tree, wanted)
	if err != nil {
		return nil, err
	}
	if len(s.Edited) > 0 && !discard {
		return s, ErrEdited
	}
	return s, apply(root, tree, wanted, s)
}

// exclusive holds an advisory lock on the folder itself, which the kernel drops when the process dies.
func exclusive(root *os.Root) (func(), error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("lock the folder: %w", err)
	}
	return func() { f.Close() }, nil
}

// apply writes in the order that lets a killed run be finished: the next lock, the files, the rename.
func apply(root *os.Root, tree *artifact.Tree, wanted *lock.Lock, s *Status) error {
	for _, p := range slices.Concat(s.temps, s.blocked) {
		step()
		if err := root.Remove(p); err != nil {
			return err
		}
	}
	changed := slices.Concat(s.Missing, s.Stale, s.Edited)
	changed = slices.DeleteFunc(changed, func(p string) bool { return slices.Contains(s.blocked, p) && !slices.Contains(s.Missing, p) })
	if s.Lock == "" && len(changed)+len(s.Obsolete) == 0 {
		return nil
	}
	if err := settle(root, s.owned); err != nil {
		return err
	}
	data, err := wanted.Bytes()
	if err != nil {
		return err
	}
	if err := replace(root, nextName, data); err != nil {
		return err
	}
	for _, p := range changed {
		want, wanted := tree.File(p)
		if !wanted { // edited, and no longer wanted
			s.Obsolete = append(s.Obsolete, p)
			continue
		}
		if err := replace(root, p, want); err != nil {
			return err
		}
	}
	for _, p := range sealsLast(s.Obsolete) {
		if err := remove(root, p); err != nil {
			return err
		}
	}
	step()
	return root.Rename(nextName, lock.Name)
}

// sealsLast moves the seals to the end: a file that only they know would be nobody's without them.
func sealsLast(files []string) []string {
	i := slices.Index(files, lock.SealName)
	if i < 0 {
		return files
	}
	return append(slices.Delete(slices.Clone(files), i, i+1), lock.SealName)
}

// settle writes down what a killed run left, before its agentc.lock.next is replaced by ours: the files that it had
// already written stand in no other lock.
func settle(root *os.Root, owned map[string]string) error {
	if owned == nil {
		return nil
	}
	old, err := readLock(root, lock.Name)
	if err != nil {
		return err
	}
	data, err := old.Owning(owned).Bytes()
	if err != nil {
		return err
	}
	return replace(root, lock.Name, data)
}

// replace puts a file in place in one step, so that no reader and no killed run ever sees half of it.
func replace(root *os.Root, p string, data []byte) error {
	if err := root.MkdirAll(path.Dir(p), 0o755); err != nil {
		return err
	}
	temp := p + tempSuffix
	step()
	if err := writeNew(root, temp, data); err != nil {
		return err
	}
	step()
	return root.Rename(temp, p)
}

// writeNew writes a file that must not be there: what a killed run left was removed before, and anything else is somebody's.
func writeNew(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// step is called before every change of the folder. Tests end the process there.
var step = func() {}

// remove deletes a file and the folders that it leaves empty.
func remove(root *os.Root, p string) error {
	step()
	if err := root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil { // not empty
			return nil
		}
	}
	return nil
}
