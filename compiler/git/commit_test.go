package git

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// TestCommitIsWhatGitWrites compares with git commit-tree, down to the hash.
func TestCommitIsWhatGitWrites(t *testing.T) {
	g := newTarget(t)
	tree, parent := g.tree("100644 a x"), g.land(g.build(plumbing.ZeroHash, Plan{Dir: "gen", Files: wantedFiles(t, "a 1")}), plumbing.ZeroHash)
	people := []Person{
		{"Ada Lovelace", "ada@soc.example"},
		{"  Ada <the> first.,:; ", " <ada@soc.example> "},
		{"Ada\nBob", "ada@soc.example\n"},
		{`"Ada" 'L'`, `ada\`},
		{"Äda 張", "äda@soc.example"},
	}
	for _, p := range people {
		for _, parent := range []plumbing.Hash{{}, parent} {
			c, err := NewCommit(Draft{
				Tree: tree, Parent: parent, Author: p, Committer: Person{"Bob", "bob@soc.example"},
				When:    time.Date(2026, 3, 1, 12, 0, 0, 999, time.FixedZone("", 3600)),
				Message: Message{"Publish soc", "Text.", []Trailer{{"Agentc-Lock", "sha256:00"}}},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"commit-tree", tree.String()}
			if !parent.IsZero() {
				args = append(args, "-p", parent.String())
			}
			cmd := exec.Command("git", args...)
			cmd.Dir, cmd.Stdin = g.dir, strings.NewReader("Publish soc\n\nText.\n\nAgentc-Lock: sha256:00\n")
			cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
				"GIT_AUTHOR_NAME="+p.Name, "GIT_AUTHOR_EMAIL="+p.Email, "GIT_AUTHOR_DATE=2026-03-01T11:00:00Z",
				"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@soc.example", "GIT_COMMITTER_DATE=2026-03-01T11:00:00Z")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if want := strings.TrimSpace(string(out)); c.Hash.String() != want {
				t.Errorf("%q: got\n%s\ngit wrote\n%s", p, c.Data, g.git("cat-file", "commit", want))
			}
		}
	}
}

func TestCommitNeedsAPerson(t *testing.T) {
	bob := Person{"Bob", "bob@soc.example"}
	for _, p := range []Person{{}, {"Ada", ""}, {"", "ada@soc.example"}, {" <>.,\n", "ada@soc.example"}, {"Ada", "<>"}} {
		for _, d := range []Draft{{Author: p, Committer: bob, When: time.Unix(1, 0)}, {Author: bob, Committer: p, When: time.Unix(1, 0)}} {
			_, err := NewCommit(d, nil)
			if person := new(PersonError); !errors.As(err, &person) {
				t.Errorf("%q: got %v", p, err)
			}
		}
	}
	if _, err := NewCommit(Draft{Author: bob, Committer: bob}, nil); err == nil {
		t.Error("a commit without a time is not refused")
	}
}
