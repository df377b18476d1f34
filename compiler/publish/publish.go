// Package publish brings a compiled fleet to its branches: fetch, seal, commit only if something changed, push. On a rejected
// push it starts over from the fetch, since what follows from the spec depends on the branch only through its seals: nothing
// is merged, ever.
package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"agentc/compiler"
	"agentc/compiler/git"
	"agentc/compiler/seal"

	"github.com/go-git/go-git/v5/plumbing"
)

// Job is what is published, and on whose behalf.
type Job struct {
	Out  *compiler.Output
	Spec *git.SpecCommit

	// Includes says whether a commit of the spec's repository is part of the history of Spec.
	Includes func(plumbing.Hash) (included, known bool, err error)

	Seal              seal.Options
	Signer            git.Signer // nil: the commit is not signed
	Author, Committer git.Person
	Now               time.Time

	Verified    string // what judged the lock; empty: nothing did, and the commit says so
	Discard     bool   // replace files of ours that somebody edited
	Supersede   string // commit of the spec that may be replaced though it is not in our history
	PullRequest bool   // push to a branch of our own, for a person to merge
	DryRun      bool   // stop before the push

	Remote git.Options
	Report func(step string) // what is being done now, for people who wait
}

// Result is what became of one branch.
type Result struct {
	Target    Target
	Remote    string        // without credentials
	Branch    string        // that was pushed: the target's, or the pull request's
	Old, New  plumbing.Hash // New is zero where there was nothing to publish, or in a dry run
	Changes   []git.Change
	Strangers []string // files of somebody else, left alone
	Message   string   // of the commit; empty where there was nothing to publish
	Sealed    []string // what was sealed now
	Unsealed  []string // environments that list no keys, and were not sealed though there was one
	Signed    bool     // whether a commit of ours is
	Open      string   // where to open the pull request; empty: the remote is of no kind that we know, or none is wanted
}

// tries bounds how often a branch that others push to as well is tried.
const tries = 20

// Publish brings one branch up to date. What stands in the way is a *Refusal, an *EditedError, a *seal.KeyError or a
// *lock.Error; the branch is then as it was.
func (j *Job) Publish(ctx context.Context, t Target) (*Result, error) {
	remote, err := git.Open(t.URL, j.Remote)
	if err != nil {
		return nil, err
	}
	p := &publication{Job: j, target: t, remote: remote}
	for n := 1; ; n++ {
		result, err := p.try(ctx)
		if err == nil || n == tries || !startsOver(err) {
			return result, err
		}
		j.report("starting over: " + err.Error())
		if err := pause(ctx, n); err != nil {
			return nil, err
		}
	}
}

// startsOver says whether a new try can end better: somebody else moved the branch, or nobody knows whether we did.
func startsOver(err error) bool {
	var rejected *git.Rejected
	var unknown *git.Unknown
	return errors.As(err, &unknown) || errors.As(err, &rejected) && (rejected.Kind == git.Moved || rejected.Kind == git.Busy)
}

// pause waits longer after each try, and never as long as somebody who failed at the same moment.
func pause(ctx context.Context, n int) error {
	longest := min(50*time.Millisecond<<n, 3*time.Second)
	select {
	case <-time.After(longest/4 + rand.N(longest)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (j *Job) report(step string) {
	if j.Report != nil {
		j.Report(step)
	}
}

// publication is one target on its way; it remembers between two tries what may have arrived without our being told.
type publication struct {
	*Job
	target Target
	remote *git.Remote
	pushed map[plumbing.Hash]*Result
}

// place is where a commit goes: on top of what the target's branch holds, to that branch or to the one of a pull request.
type place struct {
	base   *git.Base // what the target's branch holds
	branch string    // that is pushed
	there  *git.Base // what that one holds now; base where they are the same
}

// try is one round from the fetch to the push.
func (p *publication) try(ctx context.Context) (*Result, error) {
	at, err := p.fetch(ctx)
	if err != nil {
		return nil, err
	}
	if arrived := p.pushed[at.there.Tip]; arrived != nil { // an earlier push did it, and its answer was lost
		return arrived, nil
	}
	held, err := p.read(ctx, at.base)
	if err != nil {
		return nil, err
	}
	content, built, err := p.build(ctx, at, held)
	if err == nil && at.open() && len(built.Changes) > 0 { // then the seals that it offers count: else each run would offer others
		if held, err = p.offered(ctx, at, held); err == nil {
			content, built, err = p.build(ctx, at, held)
		}
	}
	if err != nil {
		return nil, err
	}
	result := &Result{
		Target: p.target, Remote: p.remote.String(), Branch: at.branch, Old: at.there.Tip,
		Changes: built.Changes, Strangers: built.Strangers, Sealed: content.sealed, Unsealed: content.unsealed, Signed: p.Signer != nil,
	}
	if p.PullRequest {
		result.Open = openURL(p.target.URL, p.target.Branch, at.branch)
	}
	if done, err := at.done(built); done || err != nil {
		return result, err
	}
	return p.push(ctx, at, built, content, result)
}

// fetch reads the target's branch, and where a pull request is wanted its branch too.
func (p *publication) fetch(ctx context.Context) (*place, error) {
	p.report("reading " + p.target.Branch)
	base, err := p.remote.Fetch(ctx, p.target.Branch)
	if err != nil {
		return nil, err
	}
	if p.PullRequest {
		return p.request(ctx, base)
	}
	return &place{base, p.target.Branch, base}, nil
}

// open says that a pull request is under way.
func (at *place) open() bool { return at.there != at.base && at.there.Commit != nil }

// build makes what the branch shall hold, and the trees for it.
func (p *publication) build(ctx context.Context, at *place, h *held) (*content, *git.Built, error) {
	p.report("sealing")
	content, err := p.content(h)
	if err != nil {
		return nil, nil, err
	}
	built, err := at.base.Build(ctx, git.Plan{Dir: p.target.Path, Files: content.files, Owned: h.owned, Discard: p.Discard})
	if err != nil {
		return nil, nil, err
	}
	if len(built.Edited) > 0 && !p.Discard {
		return nil, nil, &EditedError{Files: built.Edited}
	}
	return content, built, nil
}

// done says that there is nothing to push. A pull request that offers something else by then is a *Refusal: whoever merged it
// would bring back what the spec no longer says.
func (at *place) done(built *git.Built) (bool, error) {
	there := at.there.Commit
	switch {
	case at.there == at.base:
		return len(built.Changes) == 0, nil
	case len(built.Changes) > 0:
		return there != nil && there.TreeHash == built.Tree && slices.Contains(there.ParentHashes, at.base.Tip), nil
	case there != nil && there.TreeHash != at.base.Commit.TreeHash:
		return false, &Refusal{fmt.Sprintf("there is nothing to publish, and %s still offers something else; close its pull request, and delete that branch", at.branch)}
	}
	return true, nil
}

// push commits and pushes what was built.
func (p *publication) push(ctx context.Context, at *place, built *git.Built, content *content, result *Result) (*Result, error) {
	message := p.message(built, content)
	result.Message = message.String()
	if p.DryRun {
		return result, nil
	}
	commit, err := git.NewCommit(git.Draft{
		Tree: built.Tree, Parent: at.base.Tip, Author: p.Author, Committer: p.Committer, When: p.Now, Message: message,
	}, p.Signer)
	if err != nil {
		return nil, err
	}
	pack, err := built.Pack(commit)
	if err != nil {
		return nil, err
	}
	result.New = commit.Hash
	p.remember(result)
	p.report("pushing " + size(len(pack)) + " to " + at.branch)
	err = p.remote.Push(ctx, git.Update{Branch: at.branch, Old: at.there.Tip, New: commit.Hash, Pack: pack})
	return result, p.explained(err)
}

// explained tells of a branch that takes pull requests only how to make one.
func (p *publication) explained(err error) error {
	var no *git.Rejected
	if !errors.As(err, &no) || no.Kind != git.Protected || p.PullRequest {
		return err
	}
	return &Refusal{fmt.Sprintf("%s is protected, and was left as it was; publish with --pull-request (%s says: %s)", p.target.Branch, p.remote, no.Reason)}
}

func (p *publication) remember(r *Result) {
	if p.pushed == nil {
		p.pushed = map[plumbing.Hash]*Result{}
	}
	p.pushed[r.New] = r
}
