package publish_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentc/compiler"
	"agentc/compiler/git"
	"agentc/compiler/lock"
	"agentc/compiler/publish"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
)

// history is the spec's: commits, each the parent of the next.
var history = func() (all []string) {
	for i := range 21 {
		all = append(all, strings.Repeat(string("123456789abcdef"[i%15]), 38)+fmt.Sprintf("%02d", i))
	}
	return all
}()

// newJob publishes from the first commit of the history.
func newJob(out *compiler.Output) *publish.Job { return jobAt(out, 0) }

// jobAt publishes from the n-th commit of the history, whose clone knows those before it.
func jobAt(out *compiler.Output, n int) *publish.Job {
	who := git.Person{Name: "Pat Publisher", Email: "pat@soc.example"}
	return &publish.Job{
		Out: out,
		Spec: &git.SpecCommit{
			Repository: "https://git.soc.example/soc/spec.git", Hash: plumbing.NewHash(history[n]),
			Author: git.Person{Name: "Ada Author", Email: "ada@soc.example"}, When: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
			Subject: "Make detect faster", Body: "It was slow.\n\nAgentc-Lock: sha256:forged\n",
		},
		Includes: func(c plumbing.Hash) (bool, bool, error) {
			for _, h := range history[:n+1] {
				if c.String() == h {
					return true, true, nil
				}
			}
			return false, true, nil
		},
		Author: who, Committer: who, Now: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC),
	}
}

func targets(tb testing.TB, out *compiler.Output, c publish.Choice) []publish.Target {
	tb.Helper()
	all, err := publish.Targets(out.Fleet, c)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// do publishes to the main branch of a repository, below generated/.
func do(tb testing.TB, job *publish.Job, url string) (*publish.Result, error) {
	tb.Helper()
	return job.Publish(context.Background(), targets(tb, job.Out, publish.Choice{URL: url})[0])
}

// must publishes and fails the test where that fails.
func must(tb testing.TB, job *publish.Job, url string) *publish.Result {
	tb.Helper()
	r, err := do(tb, job, url)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// sound demands of a repository what Git demands, and that its main branch holds exactly the files of a fleet below generated/,
// and these files of other people.
func sound(tb testing.TB, repo string, out *compiler.Output, others ...string) {
	tb.Helper()
	gitIn(tb, repo, "fsck", "--strict", "--no-dangling")
	clone := filepath.Join(tb.TempDir(), "clone")
	gitIn(tb, ".", "clone", "-q", repo, clone)
	want := map[string]bool{"generated/" + lock.Name: true, "generated/" + lock.StatementName: true}
	for _, f := range out.Tree.Paths() {
		want["generated/"+f] = true
		data, _ := out.Tree.File(f)
		if have, err := os.ReadFile(filepath.Join(clone, "generated", f)); err != nil || string(have) != string(data) {
			tb.Errorf("%s: %v, or other bytes", f, err)
		}
	}
	for _, f := range others {
		want[f] = true
	}
	have := map[string]bool{}
	for f := range strings.Lines(gitIn(tb, clone, "ls-files")) {
		have[strings.TrimSpace(f)] = true
	}
	if diff := cmp.Diff(want, have); diff != "" {
		tb.Errorf("files (-want +have):\n%s", diff)
	}
}

// commitTo makes a commit of somebody else's on the main branch.
func commitTo(tb testing.TB, repo string, files map[string]string) {
	tb.Helper()
	clone := filepath.Join(tb.TempDir(), "clone")
	gitIn(tb, ".", "clone", "-q", repo, clone)
	for name, text := range files {
		path := filepath.Join(clone, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			tb.Fatal(err)
		}
	}
	gitIn(tb, clone, "add", "-A")
	gitIn(tb, clone, "-c", "user.name=Eve", "-c", "user.email=eve@soc.example", "commit", "-qm", "Mine")
	gitIn(tb, clone, "push", "-q", "origin", "HEAD:main")
}

func TestPublishes(t *testing.T) {
	repo := bare(t)
	large, small := fleetOf(t, 12, 0), fleetOf(t, 11, 0)
	first := must(t, newJob(large), repo)
	sound(t, repo, large)
	if first.New.IsZero() || !first.Old.IsZero() || len(first.Changes) != len(large.Tree.Paths())+2 {
		t.Errorf("first: %v → %v, %d changes", first.Old, first.New, len(first.Changes))
	}
	if again := must(t, newJob(large), repo); again.Message != "" || len(again.Changes) > 0 {
		t.Errorf("again: %+v, want nothing to publish", again)
	}
	if later := must(t, jobAt(large, 1), repo); later.Message != "" {
		t.Errorf("a later commit of the spec that changes nothing was published: %v", later.Changes)
	}
	commitTo(t, repo, map[string]string{"README.md": "mine\n", "generated/dev/notes.txt": "mine too\n"})
	r := must(t, jobAt(small, 1), repo)
	sound(t, repo, small, "README.md", "generated/dev/notes.txt")
	if diff := cmp.Diff([]string{"generated/dev/notes.txt"}, r.Strangers); diff != "" {
		t.Errorf("strangers (-want +got):\n%s", diff)
	}
	if tip := strings.TrimSpace(gitIn(t, repo, "rev-parse", "main")); tip != r.New.String() {
		t.Errorf("main is %s, want %s", tip, r.New)
	}
}

// TestMessage: what Git reads as the trailers is what we wrote, and nothing of the spec's own message.
func TestMessage(t *testing.T) {
	repo, out := bare(t), fleetOf(t, 1, 0)
	must(t, newJob(out), repo)
	lockFile := gitIn(t, repo, "show", "main:generated/"+lock.Name)
	want := fmt.Sprintf(`Agentc-Version: %s
Agentc-Lock: %s
Agentc-Tree: %s
Agentc-Verified: no, --unverified
Agentc-Spec-Repository: https://git.soc.example/soc/spec.git
Agentc-Spec-Commit: 1111111111111111111111111111111111111100
Argocd-reference-commit-repourl: https://git.soc.example/soc/spec.git
Argocd-reference-commit-author: Ada Author <ada@soc.example>
Argocd-reference-commit-date: 2026-11-22T12:00:00Z
Argocd-reference-commit-subject: Make detect faster
Argocd-reference-commit-body: "It was slow.\n\nAgentc-Lock: sha256:forged\n"
Argocd-reference-commit-sha: 1111111111111111111111111111111111111100
`, compiler.Version, lock.Digest([]byte(lockFile)), strings.TrimSpace(gitIn(t, repo, "rev-parse", "main^{tree}")))
	if diff := cmp.Diff(want, strings.TrimLeft(gitIn(t, repo, "log", "-1", "--format=%(trailers)", "main"), "\n")[:len(want)]); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
	if got := gitIn(t, repo, "log", "-1", "--format=%s|%an|%ae|%cI", "main"); got != "Publish demo (dev) from 111111111111|Pat Publisher|pat@soc.example|2026-11-22T13:00:00+00:00\n" {
		t.Error(got)
	}
}

// TestRefuses: the branch stays as it was, and the message says what to do.
func TestRefuses(t *testing.T) {
	out, other := fleetOf(t, 2, 0), fleetOf(t, 3, 0)
	edit := func(name, from, to string) func(t *testing.T, repo string) {
		return func(t *testing.T, repo string) {
			must(t, newJob(out), repo)
			text := gitIn(t, repo, "show", "main:generated/"+name)
			if !strings.Contains(text, from) {
				t.Fatalf("%s holds no %s", name, from)
			}
			commitTo(t, repo, map[string]string{"generated/" + name: strings.Replace(text, from, to, 1)})
		}
	}
	for name, c := range map[string]struct {
		before func(t *testing.T, repo string)
		want   string
	}{
		"files without a lock": {func(t *testing.T, repo string) {
			gitIn(t, ".", "clone", "-q", repo, filepath.Join(t.TempDir(), "x"))
			commitTo(t, repo, map[string]string{"generated/mine.yaml": "a: b\n"})
		}, "holds files and no agentc.lock.json"},
		"a foreign lock":      {edit(lock.Name, `"fleet": "demo"`, `"fleet": "other"`), `is the lock of the fleet "other"`},
		"a newer format":      {edit(lock.Name, `"format": 1`, `"format": 7`), "format 7"},
		"an unreadable lock":  {edit(lock.Name, `{`, `<<<<<<< HEAD`), "is damaged"},
		"a damaged statement": {edit(lock.StatementName, `{`, `]`), "does not vouch for"},
		"a lock that claims what is somebody else's": {func(t *testing.T, repo string) {
			edit(lock.Name, `"artifacts": {`, `"artifacts": {`+"\n"+`    "README": "`+lock.Digest([]byte("mine\n"))+`",`)(t, repo)
			commitTo(t, repo, map[string]string{"generated/README": "mine\n"})
		}, "does not vouch for"},
		"an edited file": {edit("dev/manifests/cluster.yaml", "kind", "kiNd"), "edited by hand"},
		"a newer spec":   {func(t *testing.T, repo string) { must(t, jobAt(out, 2), repo) }, "--supersede " + history[2]},
	} {
		t.Run(name, func(t *testing.T) {
			repo := bare(t)
			c.before(t, repo)
			before := gitIn(t, repo, "rev-parse", "main")
			_, err := do(t, newJob(other), repo)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
			if after := gitIn(t, repo, "rev-parse", "main"); after != before {
				t.Errorf("the branch moved from %s to %s", before, after)
			}
		})
	}
}

func TestAPersonMayInsist(t *testing.T) {
	repo, out, other := bare(t), fleetOf(t, 2, 0), fleetOf(t, 3, 0)
	must(t, jobAt(out, 2), repo)
	older := newJob(other)
	older.Supersede = history[2]
	must(t, older, repo)
	sound(t, repo, other)

	commitTo(t, repo, map[string]string{"generated/dev/manifests/cluster.yaml": "kind: List\n"})
	discards := jobAt(other, 1)
	discards.Discard = true
	must(t, discards, repo)
	sound(t, repo, other)
}

func TestDryRunPushesNothing(t *testing.T) {
	repo, out := bare(t), fleetOf(t, 2, 0)
	job := newJob(out)
	job.DryRun = true
	r := must(t, job, repo)
	if r.Message == "" || len(r.Changes) == 0 || !r.New.IsZero() {
		t.Errorf("%+v", r)
	}
	if refs := gitIn(t, repo, "for-each-ref"); refs != "" {
		t.Errorf("pushed: %s", refs)
	}
}
