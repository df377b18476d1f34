// Package publish brings a compiled fleet to its branches: fetch, seal, commit only if something changed, push. On a rejected
// push it starts over from the fetch, since what follows from the spec depends on the branch only through its seals: nothing
// is merged, ever.
package publish

import (
	"context"
	"errors"
	"math/rand/v2"
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
	Branch    string        // that was pushed: the target's, or the pull request's
	Old, New  plumbing.Hash // New is zero where there was nothing to publish, or in a dry run
	Changes   []git.Change
	Strangers []string // files of somebody else, left alone
	Message   string   // of the commit; empty where there was nothing to publish
	Sealed    []string // what was sealed now
	Open      string   // where to open the pull request; empty: the remote is of no kind that we know
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

// try is one round from the fetch to the push.
func (p *publication) try(ctx context.Context) (*Result, error) {
	p.report("reading " + p.target.Branch)
	base, err := p.remote.Fetch(ctx, p.target.Branch)
	if err != nil {
		return nil, err
	}
	if arrived := p.pushed[base.Tip]; arrived != nil {
		return arrived, nil
	}
	held, err := p.read(ctx, base)
	if err != nil {
		return nil, err
	}
	p.report("sealing")
	content, err := p.content(held)
	if err != nil {
		return nil, err
	}
	built, err := base.Build(ctx, git.Plan{Dir: p.target.Path, Files: content.files, Owned: held.owned, Discard: p.Discard})
	if err != nil {
		return nil, err
	}
	if len(built.Edited) > 0 && !p.Discard {
		return nil, &EditedError{Files: built.Edited}
	}
	result := &Result{
		Target: p.target, Branch: p.target.Branch, Old: base.Tip, Changes: built.Changes, Strangers: built.Strangers, Sealed: content.sealed,
	}
	if len(built.Changes) == 0 {
		return result, nil
	}
	return p.push(ctx, base, built, content, result)
}

// push commits and pushes what was built.
func (p *publication) push(ctx context.Context, base *git.Base, built *git.Built, content *content, result *Result) (*Result, error) {
	message := p.message(built, content)
	result.Message = message.String()
	if p.DryRun {
		return result, nil
	}
	update := git.Update{Branch: p.target.Branch, Old: base.Tip}
	if p.PullRequest {
		open, err := p.pullRequest(ctx, base, built, result)
		if err != nil || open == nil {
			return result, err
		}
		update = *open
	}
	commit, err := git.NewCommit(git.Draft{
		Tree: built.Tree, Parent: base.Tip, Author: p.Author, Committer: p.Committer, When: p.Now, Message: message,
	}, p.Signer)
	if err != nil {
		return nil, err
	}
	if update.Pack, err = built.Pack(commit); err != nil {
		return nil, err
	}
	update.New = commit.Hash
	result.Branch, result.Old, result.New = update.Branch, update.Old, commit.Hash
	p.remember(result)
	p.report("pushing " + size(len(update.Pack)) + " to " + update.Branch)
	return result, p.remote.Push(ctx, update)
}

func (p *publication) remember(r *Result) {
	if p.pushed == nil {
		p.pushed = map[plumbing.Hash]*Result{}
	}
	p.pushed[r.New] = r
}
