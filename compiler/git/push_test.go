package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler/git/gittest"

	"github.com/go-git/go-git/v5/plumbing"
)

// wantRejected checks the kind, that the reason names what it must, and that the branch stands where it stood.
func wantRejected(t testing.TB, err error, kind Kind, words ...string) {
	t.Helper()
	var no *Rejected
	if !errors.As(err, &no) {
		t.Fatalf("got %T %v, want a *Rejected", err, err)
	}
	if no.Kind != kind {
		t.Errorf("kind %d, want %d: %v", no.Kind, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(no.Reason, w) {
			t.Errorf("%q does not say %q", no.Reason, w)
		}
	}
}

// TestRejections lets real hooks and a real race reject a push, by every way.
func TestRejections(t *testing.T) {
	for _, test := range []struct {
		name, hook, script string
		kind               Kind
		words              string
	}{
		{"a rule", "pre-receive", "echo 'no manifests on a Friday' >&2; exit 1", Refused, "pre-receive hook declined\nno manifests on a Friday"},
		{"GitHub's words", "pre-receive", "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1", Protected, "GH006"},
		{"GitLab's words", "pre-receive", "echo 'GitLab: You are not allowed to push code to protected branches on this project.'; exit 1", Protected, "GitLab"},
		{"escapes", "update", `printf '\033[2K\033[31mno\033[0m\r\n' >&2; exit 1`, Refused, "hook declined\nno"},
		// The update hook runs between git's look at the branch and the lock on it.
		{"moved under way", "update", `git update-ref refs/heads/main "$(git commit-tree -m x "$2^{tree}" -p "$2")"`, Moved, "but expected"},
		{"deleted under way", "update", "git update-ref -d refs/heads/main", Moved, "unable to resolve reference"},
		{"locked", "update", "touch refs/heads/main.lock", Busy, "File exists"},
	} {
		for _, way := range ways {
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				hermit(t)
				repo := gittest.Bare(t)
				gittest.Commit(t, repo, "main", map[string]string{"a": "1"})
				for key, value := range map[string]string{"user.name": "t", "user.email": "t@soc.example"} {
					gittest.Git(t, repo, "config", key, value)
				}
				u := draftUpdate(t, repo, "main", map[string]string{"a": "2"})
				gittest.Hook(t, repo, test.hook, test.script)
				err := openRemote(t, way.url(t, repo), Options{}).Push(context.Background(), u)
				wantRejected(t, err, test.kind, test.words)
				if tip := gittest.Tip(t, repo, "main"); tip == u.New.String() {
					t.Error("the branch was moved")
				}
			})
		}
	}
}

// TestPushRace: somebody else pushes between our fetch and our push.
func TestPushRace(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			gittest.Commit(t, repo, "main", map[string]string{"a": "1"})
			r := openRemote(t, way.url(t, repo), Options{})
			ours := draftUpdate(t, repo, "main", map[string]string{"a": "ours"})
			theirs := draftUpdate(t, repo, "main", map[string]string{"a": "theirs"})
			pushAll(t, r, theirs)
			wantRejected(t, r.Push(context.Background(), ours), Moved, short(theirs.New), short(ours.Old))

			created := ours
			created.Old = plumbing.ZeroHash
			wantRejected(t, r.Push(context.Background(), created), Moved, "no commit")
			created.Branch = "not-there"
			created.Old = ours.New
			wantRejected(t, r.Push(context.Background(), created), Moved, "no commit")
			if tip := gittest.Tip(t, repo, "main"); tip != theirs.New.String() {
				t.Errorf("the branch is at %s", tip)
			}
		})
	}
}

// TestPostReceive: a hook that runs after the push is not cut off, and what it says is passed on.
func TestPostReceive(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			mark := filepath.Join(t.TempDir(), "mark")
			gittest.Hook(t, repo, "post-receive", "sleep 0.3; echo 'View merge request: https://git.soc.example/1'; touch "+mark)
			var heard strings.Builder
			pushAll(t, openRemote(t, way.url(t, repo), Options{Progress: &heard}), draftUpdate(t, repo, "main", map[string]string{"a": "1"}))
			if _, err := os.Stat(mark); err != nil {
				t.Errorf("the hook did not end: %v", err)
			}
			if !strings.Contains(heard.String(), "View merge request: https://git.soc.example/1\n") {
				t.Errorf("heard %q", heard.String())
			}
		})
	}
}

// TestBadPacks: what the remote cannot read or has no room for is refused with its words, also where it stops listening.
func TestBadPacks(t *testing.T) {
	big := map[string]string{"a": strings.Repeat("0123456789abcdef", 1)}
	for i := range 3000 {
		big["f/"+strings.Repeat("x", i%50)+plumbing.ComputeHash(plumbing.BlobObject, []byte{byte(i), byte(i >> 8)}).String()] = "1"
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			r := openRemote(t, way.url(t, repo), Options{})
			u := draftUpdate(t, repo, "main", big)
			gittest.Git(t, repo, "config", "receive.maxInputSize", "1k")
			wantRejected(t, r.Push(context.Background(), u), Refused, "maximum allowed size")
			gittest.Git(t, repo, "config", "--unset", "receive.maxInputSize")

			broken := u
			broken.Pack = append([]byte{}, u.Pack...)
			broken.Pack[len(broken.Pack)/2] ^= 0xff
			wantRejected(t, r.Push(context.Background(), broken), Refused)
			other := draftUpdate(t, repo, "main", map[string]string{"b": "1"})
			other.New = u.New
			wantRejected(t, r.Push(context.Background(), other), Refused, "missing necessary objects")
			if tip := gittest.Tip(t, repo, "main"); tip != "" {
				t.Errorf("the branch is at %s", tip)
			}
			pushAll(t, r, u)
		})
	}
}

func TestBadBranch(t *testing.T) {
	hermit(t)
	r := openRemote(t, gittest.Bare(t), Options{})
	for _, branch := range []string{"", "a b", "a..b", "-\x1b[31m", "x.lock", "/"} {
		_, err := r.Fetch(context.Background(), branch)
		wantFailure(t, err, BadBranch)
		wantFailure(t, r.Push(context.Background(), Update{Branch: branch, New: plumbing.NewHash(strings.Repeat("1", 40))}), BadBranch)
	}
	if err := r.Push(context.Background(), Update{Branch: "main"}); err == nil {
		t.Error("a branch would be deleted")
	}
}
