package git

import (
	"context"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Options of a remote.
type Options struct {
	Timeout  time.Duration // of one exchange with the remote; 0: five minutes
	Progress io.Writer     // what the remote says while it works, line by line; nil: nobody listens
}

// Remote is a repository that is published to, by file path, http(s) or ssh.
type Remote struct{}

// Base is what a branch holds at one moment.
type Base struct {
	Tip    plumbing.Hash  // zero: the branch does not exist
	Commit *object.Commit // of Tip; nil with it
}

// Open checks the URL and finds credentials; it dials nobody.
func Open(url string, o Options) (*Remote, error) { panic("to be written") }

// Fetch reads a branch, without its history where the remote allows that.
func (r *Remote) Fetch(ctx context.Context, branch string) (*Base, error) { panic("to be written") }

// Tree is one folder's entries; the zero hash has none.
func (b *Base) Tree(id plumbing.Hash) ([]object.TreeEntry, error) { panic("to be written") }

// Blobs reads the content of files, asking the remote for what was left out of the fetch.
func (b *Base) Blobs(ctx context.Context, ids []plumbing.Hash) (map[plumbing.Hash][]byte, error) {
	panic("to be written")
}

// File is a regular file of the branch by its path in the repository; ok says whether there is one.
func (b *Base) File(ctx context.Context, path string) (data []byte, ok bool, err error) {
	panic("to be written")
}

// Update moves a branch.
type Update struct {
	Branch   string
	Old, New plumbing.Hash // Old zero: the branch is created
	Pack     []byte        // the objects that the remote lacks
}

// Push moves a branch. Where the remote says no, the error is a *Rejected.
func (r *Remote) Push(ctx context.Context, u Update) error { panic("to be written") }

// Kind is why a push was rejected.
type Kind int

const (
	Refused   Kind = iota // by a hook, a quota, a rule: nothing that a new try would change
	Moved                 // somebody else moved the branch meanwhile: start over from the fetch
	Busy                  // somebody else holds the branch's lock: start over too
	Protected             // the branch takes pull requests only
)

// Rejected is a push that the remote did not take.
type Rejected struct {
	Kind   Kind
	Reason string // in the remote's words, fit to print
}

func (e *Rejected) Error() string { return e.Reason }
