package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"agentc/compiler/git"
	"agentc/compiler/lock"
	"agentc/compiler/model"
	"agentc/compiler/seal"

	"github.com/go-git/go-git/v5/plumbing"
)

// held is what a branch holds of ours.
type held struct {
	lock      []byte // as it stands there; nil where there is none
	seals     []byte
	statement []byte
	old       *lock.Seals         // nil: nothing is sealed
	owned     map[string][]string // path below the target's folder → digests that make it ours
}

// offered is what an open pull request holds; what may be replaced is decided by the branch that it is for.
func (p *publication) offered(ctx context.Context, at *place, published *held) (*held, error) {
	open, err := p.read(ctx, at.there)
	if err != nil {
		return nil, err
	}
	open.old = newer(open.old, published.old)
	open.owned = published.owned
	return open, nil
}

// newer are the seals of an open pull request, which count on also from what was published beside it.
func newer(open, published *lock.Seals) *lock.Seals {
	if open == nil || published == nil {
		return cmp.Or(open, published)
	}
	for env, s := range published.Bundles {
		open.Sequences[env] = max(open.Sequences[env], s.Sequence)
	}
	for env, s := range published.Sequences {
		open.Sequences[env] = max(open.Sequences[env], s)
	}
	return open
}

// read finds out what of a branch is ours, and whether it is ours to replace.
func (p *publication) read(ctx context.Context, base *git.Base) (*held, error) {
	in := func(name string) string { return path.Join(p.target.Path, name) }
	wanted := []string{in(lock.Name), in(lock.SealName), in(lock.StatementName)}
	for _, env := range p.target.Environments {
		wanted = append(wanted, in(manifestOf(env)))
	}
	files, err := base.Files(ctx, wanted...)
	if err != nil {
		return nil, err
	}
	h := &held{owned: map[string][]string{}, lock: files[in(lock.Name)], seals: files[in(lock.SealName)], statement: files[in(lock.StatementName)]}
	if h.lock == nil {
		return h, p.unused(base)
	}
	old, err := p.parse(h)
	if err != nil {
		return nil, err
	}
	for _, env := range p.target.Environments {
		h.countFrom(env, files[in(manifestOf(env))])
	}
	return h, cmp.Or(p.sameFleet(old), p.vouched(h), p.inHistory(h))
}

// parse reads the lock and the seals, and what they make ours.
func (p *publication) parse(h *held) (*lock.Lock, error) {
	for name, data := range map[string][]byte{lock.Name: h.lock, lock.SealName: h.seals, lock.StatementName: h.statement} {
		if data != nil {
			h.own(name, lock.Digest(data))
		}
	}
	old, err := lock.Parse(p.at(lock.Name), h.lock)
	if err != nil {
		return nil, err
	}
	for file, digest := range old.Artifacts {
		h.own(file, digest)
	}
	h.old = lock.NewSeals(old.Fleet)
	if h.seals == nil {
		return old, nil
	}
	if h.old, err = lock.ParseSeals(h.seals); err != nil {
		return nil, err
	}
	for file, digest := range h.old.Files {
		h.own(file, digest)
	}
	return old, nil
}

func manifestOf(env *model.Environment) string { return env.Name + "/bundle/.manifest" }

// countFrom lets the next seal count on from a bundle's own manifest too: the seals may have been lost, and with a lower
// sequence agentd would refuse whatever is published from then on.
func (h *held) countFrom(env *model.Environment, manifest []byte) {
	var m struct {
		Metadata struct {
			Sequence int64 `json:"sequence"`
		} `json:"metadata"`
	}
	if json.Unmarshal(manifest, &m) == nil && m.Metadata.Sequence > max(h.old.Bundles[env.Name].Sequence, h.old.Sequences[env.Name]) {
		h.old.Sequences[env.Name] = m.Metadata.Sequence
	}
}

// vouched demands that the statement, signed by a key that the Platform lists, is about this lock and these seals: whoever may
// push to the branch could else say in them which files are ours, and how far the sequence is. Files that were never published
// have no statement, and no seals.
func (p *publication) vouched(h *held) error {
	if p.Discard || h.statement == nil && h.seals == nil {
		return nil
	}
	_, err := seal.VerifyStatement(h.statement, h.lock, h.seals, seal.Vouching(p.Out.Fleet.Environments, h.old))
	if err == nil {
		return nil
	}
	return &Refusal{fmt.Sprintf("%s does not vouch for the %s and %s beside it (%v): somebody changed one of them, or the key that signed it is no longer in the Platform; look at the branch's history, then say --discard-edits",
		p.at(lock.StatementName), lock.Name, lock.SealName, err)}
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
		if !p.target.Whole && published[env.Name] && !slices.Contains(p.target.Environments, env) {
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
