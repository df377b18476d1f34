package git

import (
	"context"

	"agentc/compiler/artifact"

	"github.com/go-git/go-git/v5/plumbing"
)

// Plan says what a folder of the branch shall hold.
type Plan struct {
	Dir     string              // folder in the repository; never empty
	Files   *artifact.Tree      // everything that is ours, by path below Dir
	Owned   map[string][]string // what was ours: path below Dir → the digests (sha256:<hex>) by which we know it
	Discard bool                // replace also what somebody edited
}

// Change is one file that the commit changes.
type Change struct {
	Op   byte   // 'A' added, 'M' modified, 'D' deleted
	Path string // in the repository
}

// Built is the tree of the next commit.
type Built struct {
	Tree      plumbing.Hash // of the whole repository; zero where Edited stops the run
	Changes   []Change      // by path; none: the branch holds what it shall
	Edited    []string      // ours, changed by someone, or in the way of ours; paths in the repository, sorted
	Strangers []string      // below Dir, not ours, left alone; paths in the repository, sorted
}

// Build compares the branch with the plan and makes the trees of the next commit.
func (b *Base) Build(ctx context.Context, p Plan) (*Built, error) { panic("to be written") }

// Pack holds everything of the next commit that the branch does not have.
func (b *Built) Pack(c *Commit) ([]byte, error) { panic("to be written") }
