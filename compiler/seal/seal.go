// Package seal adds to a compiled fleet what only the publisher can: to each bundle a sequence, an expiry and the signature
// that OPA verifies, and to each Agent Card its signature.
//
// A seal that still holds is kept, byte for byte: seals are read from what the branch has, and only what changed, or runs
// out, is signed again. Everything that sealing decided stands in one file, agentc.seal.json, so that compiled files and
// seals give the published files without asking anybody.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"
	"agentc/compiler/model"
)

// Options say with what, and for how long, bundles are sealed.
type Options struct {
	// Keys of the publisher; each environment is sealed with the one whose public half its bundle.keys list. Without a key
	// nothing new is sealed: seals that hold are kept, and everything else stays as it was compiled.
	Keys []*Key

	// Now bounds the seals: a bundle's seal is renewed once a third of its life is over. Zero: none is renewed, and none is
	// called expired.
	Now time.Time

	// Life of a new seal, MaxLife at most.
	Life time.Duration

	// MinSequence is what a seal has at least: a bundle that was sealed elsewhere must not count from one again. A seal below it
	// does not hold.
	MinSequence int64
}

// Bounds of what is signed, and so of what is read: every reader of JSON reads the sequence, and a seal that never ends would
// be none.
const (
	MaxLife           = 5 * 365 * 24 * time.Hour
	MaxSequence int64 = 1<<53 - 1
)

// Result of sealing.
type Result struct {
	Tree  *artifact.Tree // the files as published, agentc.seal.json among them where anything is sealed
	Seals *lock.Seals    // what stands in it
	New   []string       // what was signed now: `prod bundle, sequence 7`, `prod card detect/agent-card.json`; sorted
}

// Apply seals the environments of a compiled tree. Old are the seals of what was published before; nil: none. A key that is
// missing or is not listed in the Platform is a *KeyError.
func Apply(envs []*model.Environment, tree *artifact.Tree, old *lock.Seals, o Options) (*Result, error) {
	a, err := newApplication(tree, old, o)
	if err != nil {
		return nil, err
	}
	for _, env := range envs {
		a.seals.Fleet = env.Fleet.Name
		ring, err := newKeyring(env, o.Keys)
		if err != nil {
			return nil, err
		}
		if err := a.sealBundle(env, ring); err != nil {
			return nil, err
		}
		if err := a.sealCards(env, ring); err != nil {
			return nil, err
		}
	}
	return a.finish()
}

// application is one call of Apply.
type application struct {
	Options
	compiled *artifact.Tree
	paths    []string // of compiled, sorted
	old      *lock.Seals
	tree     *artifact.Tree // compiled, with the seals so far
	seals    *lock.Seals    // its Sequences are the last ones of all bundles that are not sealed yet
	fresh    []string       // what was signed now
}

func newApplication(tree *artifact.Tree, old *lock.Seals, o Options) (*application, error) {
	if len(o.Keys) > 0 && (o.Now.IsZero() || o.Life <= 0) {
		return nil, errors.New("a seal needs a time and a life")
	}
	if o.Life > MaxLife || o.MinSequence > MaxSequence {
		return nil, fmt.Errorf("a seal of the life %s from the sequence %d up: no seal outlives %s or counts beyond %d", o.Life, o.MinSequence, MaxLife, MaxSequence)
	}
	if old == nil {
		old = lock.NewSeals("")
	}
	last := maps.Clone(old.Sequences)
	if last == nil {
		last = map[string]int64{}
	}
	for env, s := range old.Bundles {
		last[env] = max(last[env], s.Sequence)
	}
	for _, env := range slices.Sorted(maps.Keys(last)) {
		if last[env] < 1 || last[env] > MaxSequence {
			return nil, &lock.Error{Reason: fmt.Sprintf("%s says that the bundle of %q has the sequence %d, which no seal has: restore it from Git's history", lock.SealName, env, last[env])}
		}
	}
	a := &application{Options: o, compiled: tree, paths: tree.Paths(), old: old, seals: lock.NewSeals(old.Fleet)}
	a.seals.Sequences = last
	a.tree = tree.Only(func(string) bool { return true })
	return a, nil
}

// finish notes which files are not as they were compiled, and adds the seals to the files.
func (a *application) finish() (*Result, error) {
	for _, path := range a.tree.Paths() {
		data, _ := a.tree.File(path)
		if was, there := a.compiled.File(path); !there || !bytes.Equal(was, data) {
			a.seals.Files[path] = lock.Digest(data)
		}
	}
	slices.Sort(a.fresh)
	result := &Result{Tree: a.tree, Seals: a.seals, New: a.fresh}
	if a.seals.Empty() {
		return result, nil
	}
	data, err := a.seals.Bytes()
	if err != nil {
		return nil, err
	}
	return result, a.tree.SetFile(artifact.File{Path: lock.SealName, Data: data})
}

// KeyError says that an environment cannot be sealed with the keys at hand, which is the caller's to mend.
type KeyError struct{ Reason string }

func (e *KeyError) Error() string { return e.Reason }
