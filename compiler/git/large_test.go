package git

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/git/gittest"
	"agentc/compiler/lock"
)

// TestSeventyThousandFiles: what some twenty thousand agents need goes through in one piece, and a second look finds it there.
func TestSeventyThousandFiles(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	remote := openRemote(t, repo, Options{})
	who := Person{Name: "Pat", Email: "pat@soc.example"}
	publish := func(tree *artifact.Tree, owned map[string][]string) int {
		t.Helper()
		base := fetchBranch(t, remote, "main")
		built, err := base.Build(context.Background(), Plan{Dir: "generated", Files: tree, Owned: owned})
		if err != nil {
			t.Fatal(err)
		}
		if len(built.Changes) == 0 {
			return 0
		}
		commit, err := NewCommit(Draft{Tree: built.Tree, Parent: base.Tip, Author: who, Committer: who, When: time.Unix(1, 0), Message: Message{Subject: "All"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		pack, err := built.Pack(commit)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Push(context.Background(), Update{Branch: "main", Old: base.Tip, New: commit.Hash, Pack: pack}); err != nil {
			t.Fatal(err)
		}
		return len(built.Changes)
	}
	const files = 70_000
	tree, owned := artifact.NewTree(), map[string][]string{}
	var all []artifact.File
	for i := range files {
		f := artifact.File{Path: fmt.Sprintf("prod/manifests/ns-%05d/agent-%d.yaml", i/2, i), Data: fmt.Appendf(nil, "name: agent-%d\n%s", i, strings.Repeat("spec: the same in each\n", 40))}
		all, owned[f.Path] = append(all, f), []string{lock.Digest(f.Data)}
	}
	if err := tree.Add(nil, all); err != nil {
		t.Fatal(err)
	}
	if n := publish(tree, nil); n != files {
		t.Errorf("%d files changed, want %d", n, files)
	}
	if n := publish(tree, owned); n != 0 {
		t.Errorf("the second time %d files changed", n)
	}
	if err := tree.SetFile(artifact.File{Path: all[0].Path, Data: []byte("name: another\n")}); err != nil {
		t.Fatal(err)
	}
	if n := publish(tree, owned); n != 1 {
		t.Errorf("%d files changed, want 1", n)
	}
	gittest.Git(t, repo, "fsck", "--strict")
	if n := strings.Count(gittest.Git(t, repo, "ls-tree", "-r", "--name-only", "main"), "\n") + 1; n != files {
		t.Errorf("the branch holds %d files", n)
	}
}
