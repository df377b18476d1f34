package publish

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"agentc/compiler/git"
	"agentc/compiler/lock"
	"agentc/compiler/seal"

	"github.com/go-git/go-git/v5/plumbing"
)

// held is what the branch holds of ours.
type held struct {
	lock      []byte // as it stands there; nil where there is none
	seals     []byte
	statement []byte
	old       *lock.Seals         // nil: nothing is sealed
	owned     map[string][]string // path below the target's folder → digests that make it ours
}

// read finds out what of the branch is ours, and whether it is ours to replace.
func (p *publication) read(ctx context.Context, base *git.Base) (*held, error) {
	in := func(name string) string { return path.Join(p.target.Path, name) }
	files, err := base.Files(ctx, in(lock.Name), in(lock.SealName), in(lock.StatementName))
	if err != nil {
		return nil, err
	}
	h := &held{owned: map[string][]string{}, lock: files[in(lock.Name)], seals: files[in(lock.SealName)], statement: files[in(lock.StatementName)]}
	for name, data := range map[string][]byte{lock.Name: h.lock, lock.SealName: h.seals, lock.StatementName: h.statement} {
		if data != nil {
			h.own(name, lock.Digest(data))
		}
	}
	if h.lock == nil {
		return h, p.unused(base)
	}
	old, err := lock.Parse(p.at(lock.Name), h.lock)
	if err != nil {
		return nil, err
	}
	for file, digest := range old.Artifacts {
		h.own(file, digest)
	}
	if h.seals != nil {
		if h.old, err = lock.ParseSeals(h.seals); err != nil {
			return nil, err
		}
		for file, digest := range h.old.Files {
			h.own(file, digest)
		}
	}
	if err := p.sameFleet(old); err != nil {
		return nil, err
	}
	return h, p.inHistory(h)
}

func (h *held) own(file, digest string) { h.owned[file] = append(h.owned[file], digest) }

// at names a file of the target for people.
func (p *publication) at(file string) string {
	return path.Join(p.target.Path, file) + " on " + p.target.Branch
}

// unused demands that a folder without a lock is empty: else nobody could say which of its files are ours.
func (p *publication) unused(base *git.Base) error {
	used, err := base.Exists(p.target.Path)
	if err != nil || !used {
		return err
	}
	return &Refusal{fmt.Sprintf("%s holds files and no %s, so nobody can say which of them are ours; publish to another folder (--path), or empty it first",
		p.at(""), lock.Name)}
}

// sameFleet refuses a branch that is somebody else's, or that holds environments which this run would take away.
func (p *publication) sameFleet(old *lock.Lock) error {
	fleet := p.Out.Fleet
	if old.Fleet != fleet.Name {
		return &Refusal{fmt.Sprintf("%s is the lock of the fleet %q, this one is %q; publish to another folder (--path) or branch", p.at(lock.Name), old.Fleet, fleet.Name)}
	}
	published := map[string]bool{}
	for file := range old.Artifacts {
		if env, _, below := strings.Cut(file, "/"); below {
			published[env] = true
		}
	}
	for _, env := range fleet.Environments {
		if published[env.Name] && !slices.Contains(p.target.Environments, env) {
			return &Refusal{fmt.Sprintf("%s holds %s too, which this run would take away; publish it along (--env), or to another branch", p.at(""), env.Name)}
		}
	}
	return nil
}

// inHistory refuses to go back: what was published from a commit that our spec does not build on is newer, or another line
// of history, and only a person can tell which is right.
func (p *publication) inHistory(h *held) error {
	if h.statement == nil {
		return nil
	}
	was, err := seal.ReadStatement(h.statement)
	if err != nil {
		return &lock.Error{Reason: fmt.Sprintf("%s is damaged (%v): restore it from the branch's history", p.at(lock.StatementName), err)}
	}
	if was.Commit == p.Supersede {
		return nil
	}
	included, known, err := p.Includes(plumbing.NewHash(was.Commit))
	switch {
	case err != nil || included:
		return err
	case !known:
		return &Refusal{fmt.Sprintf("%s was published from commit %s of the spec, and this clone is too shallow to say whether that is older; fetch the history (git fetch --unshallow)",
			p.target.Branch, was.Commit)}
	default:
		return &Refusal{fmt.Sprintf("%s was published from commit %s of the spec, which is not in the history of %s: it is newer, or of another branch; bring the spec up to date, or say --supersede %s",
			p.target.Branch, was.Commit, p.Spec.Hash, was.Commit)}
	}
}
