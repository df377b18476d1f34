package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
)

// specGit runs the real git in a folder, untouched by the configuration of whoever runs the test.
func specGit(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@soc.example", "GIT_AUTHOR_DATE=2026-03-01T10:00:00+01:00",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@soc.example", "GIT_COMMITTER_DATE=2026-03-02T10:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// put writes files, given as path and content in turn.
func put(t testing.TB, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		p := filepath.Join(dir, files[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(files[i+1]), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// specRepo is a repository with a spec, committed.
func specRepo(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	specGit(t, dir, "init", "-q", "-b", "main")
	put(t, dir, "agents.d/pay.yaml", "pay\n", "agents.d/team/detect.yaml", "detect\n", "policies/soc.yaml", "soc\n", "README", "hello\n")
	specGit(t, dir, "add", "-A")
	specGit(t, dir, "commit", "-q", "-m", "agents: pay\nand detect", "-m", "The first two.\n\nSigned-off-by: Ada <ada@soc.example>")
	return dir
}

func commitEmpty(t testing.TB, dir, subject string) plumbing.Hash {
	t.Helper()
	specGit(t, dir, "commit", "-q", "--allow-empty", "-m", subject)
	return plumbing.NewHash(specGit(t, dir, "rev-parse", "HEAD"))
}

func open(t testing.TB, dir string) *Source {
	t.Helper()
	s, err := OpenSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func headOf(t testing.TB, s *Source) *SpecCommit {
	t.Helper()
	head, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestHead(t *testing.T) {
	repo := specRepo(t)
	specGit(t, repo, "remote", "add", "origin", "https://ci:secret@git.soc.example/soc/agents.git")
	specGit(t, repo, "config", "url.https://ci:token@mirror.example/.insteadOf", "https://ci:secret@git.soc.example/")
	want := &SpecCommit{
		Repository: "https://git.soc.example/soc/agents.git",
		Hash:       plumbing.NewHash(specGit(t, repo, "rev-parse", "HEAD")),
		Author:     Person{Name: "Ada", Email: "ada@soc.example"},
		When:       time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		Subject:    "agents: pay and detect",
		Body:       "The first two.\n\nSigned-off-by: Ada <ada@soc.example>",
	}
	same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	check := func(name, dir string) {
		got, err := open(t, dir).Head()
		if diff := cmp.Diff(want, got, same); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	check("clone", repo)
	check("folder of it", filepath.Join(repo, "agents.d/team"))

	specGit(t, repo, "worktree", "add", "-q", "-b", "other", filepath.Join(repo, "../linked"))
	check("linked worktree", filepath.Join(repo, "../linked/policies"))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(repo, "agents.d"), link); err != nil {
		t.Fatal(err)
	}
	check("through a link", link)
	specGit(t, repo, "checkout", "-q", "--detach")
	check("detached", repo)
	specGit(t, repo, "pack-refs", "--all")
	specGit(t, repo, "gc", "-q")
	check("packed", repo)

	want.Repository = ""
	shared := filepath.Join(t.TempDir(), "shared")
	specGit(t, repo, "clone", "-q", "--shared", repo, shared)
	check("objects borrowed from elsewhere", shared)

	bare := filepath.Join(t.TempDir(), "bare.git")
	specGit(t, repo, "clone", "-q", "--bare", repo, bare)
	specGit(t, bare, "remote", "remove", "origin")
	specGit(t, bare, "worktree", "add", "-q", "--detach", filepath.Join(bare, "../of-bare"))
	check("worktree of a bare repository", filepath.Join(bare, "../of-bare"))
}

func TestWithoutCredentials(t *testing.T) {
	for raw, want := range map[string]string{
		"https://ada:pw@git.example/soc.git":       "https://git.example/soc.git",
		"https://token@git.example:8443/soc.git":   "https://git.example:8443/soc.git",
		"https://git.example/soc.git?token=x#y":    "https://git.example/soc.git",
		"HTTPS://ada:pw@git.example/soc.git":       "https://git.example/soc.git",
		"ssh://git:pw@git.example:2222/soc.git":    "ssh://git@git.example:2222/soc.git",
		"git+ssh://git@git.example/soc.git":        "git+ssh://git@git.example/soc.git",
		"git@git.example:soc/agents.git":           "git@git.example:soc/agents.git",
		"https://ada:p%ZZw@git.example/soc.git":    "",
		"helper::https://ada:pw@git.example/x.git": "",
		"/srv/git/soc.git":                         "",
		"file:///srv/git/soc.git":                  "",
	} {
		if got := withoutCredentials(raw); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestUncommitted(t *testing.T) {
	link := func(t *testing.T, target, name string) {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(t *testing.T, dir string)
		in     string // folder of the repository that is opened
		want   []string
	}{
		{name: "nothing", change: func(*testing.T, string) {}},
		{name: "outside the folders", change: func(t *testing.T, dir string) { put(t, dir, "README", "x", "new", "x") }},
		{name: "changed, new, gone", change: func(t *testing.T, dir string) {
			put(t, dir, "agents.d/pay.yaml", "PAY\n", "policies/new/a.yaml", "x")
			os.Remove(filepath.Join(dir, "agents.d/team/detect.yaml"))
		}, want: []string{"agents.d/pay.yaml", "agents.d/team/detect.yaml", "policies/new/a.yaml"}},
		{name: "in the index only", change: func(t *testing.T, dir string) {
			put(t, dir, "agents.d/pay.yaml", "PAY\n")
			specGit(t, dir, "add", "-A")
		}, want: []string{"agents.d/pay.yaml"}},
		{name: "ignored by Git", change: func(t *testing.T, dir string) {
			put(t, dir, ".git/info/exclude", "*.local.yaml\n", "agents.d/x.local.yaml", "x")
		}, want: []string{"agents.d/x.local.yaml"}},
		{name: "a folder gone", change: func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "policies")) },
			want: []string{"policies/soc.yaml"}},
		{name: "a file in place of a folder, a folder in place of a file", change: func(t *testing.T, dir string) {
			os.RemoveAll(filepath.Join(dir, "agents.d"))
			put(t, dir, "agents.d/team", "x", "agents.d/pay.yaml/x", "x")
		}, want: []string{"agents.d/pay.yaml", "agents.d/pay.yaml/x", "agents.d/team", "agents.d/team/detect.yaml"}},
		{name: "executable", change: func(t *testing.T, dir string) {
			os.Chmod(filepath.Join(dir, "agents.d/pay.yaml"), 0o755)
		}},
		{name: "a link, committed", change: func(t *testing.T, dir string) {
			link(t, "pay.yaml", filepath.Join(dir, "agents.d/link.yaml"))
			specGit(t, dir, "add", "-A")
			specGit(t, dir, "commit", "-q", "-m", "link")
		}},
		{name: "links: changed, new, instead of a file", change: func(t *testing.T, dir string) {
			link(t, "pay.yaml", filepath.Join(dir, "agents.d/link.yaml"))
			specGit(t, dir, "add", "-A")
			specGit(t, dir, "commit", "-q", "-m", "link")
			os.Remove(filepath.Join(dir, "agents.d/link.yaml"))
			os.Remove(filepath.Join(dir, "agents.d/pay.yaml"))
			link(t, "../../etc/passwd", filepath.Join(dir, "agents.d/link.yaml"))
			link(t, "pay\n", filepath.Join(dir, "agents.d/pay.yaml")) // its target is what the file held
			link(t, "/", filepath.Join(dir, "policies/root"))
		}, want: []string{"agents.d/link.yaml", "agents.d/pay.yaml", "policies/root"}},
		{name: "a pipe", change: func(t *testing.T, dir string) { syscall.Mkfifo(filepath.Join(dir, "policies/pipe"), 0o644) }},
		{name: "a repository in the folder", change: func(t *testing.T, dir string) {
			put(t, dir, "policies/sub/a.rego", "x")
			specGit(t, filepath.Join(dir, "policies/sub"), "init", "-q")
		}, want: []string{"policies/sub/a.rego"}},
		{name: "line endings changed by Git", change: func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "agents.d/pay.yaml"))
			specGit(t, dir, "-c", "core.autocrlf=true", "checkout", "-q", "--", "agents.d/pay.yaml")
		}, want: []string{"agents.d/pay.yaml"}},
		{name: "seen from elsewhere", in: "policies", change: func(t *testing.T, dir string) {
			put(t, dir, "agents.d/new.yaml", "x", "policies/agents.d/a.yaml", "y")
		}, want: []string{"agents.d/a.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := specRepo(t)
			test.change(t, dir)
			source := open(t, filepath.Join(dir, test.in))
			got, err := source.Uncommitted(headOf(t, source), "agents.d", "policies")
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestUncommittedFolders(t *testing.T) {
	dir := specRepo(t)
	put(t, dir, "agents.d/pay.yaml", "PAY\n", "top", "x")
	source := open(t, filepath.Join(dir, "policies"))
	for _, test := range []struct {
		folders []string
		want    []string
	}{
		{[]string{"../agents.d", "../agents.d/", "../agents.d/team/.."}, []string{"../agents.d/pay.yaml"}},
		{[]string{".."}, []string{"../agents.d/pay.yaml", "../top"}},
		{[]string{filepath.Join(dir, "agents.d")}, []string{"../agents.d/pay.yaml"}},
		{[]string{".", "nowhere"}, nil},
		{nil, nil},
	} {
		got, err := source.Uncommitted(headOf(t, source), test.folders...)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%v: %v (-want +got):\n%s", test.folders, err, diff)
		}
	}
	if err := os.Symlink("agents.d", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for folder, says := range map[string]string{"../..": "outside the repository", "../link": "through a link", "../link/team": "through a link"} {
		var fault *SourceError
		if _, err := source.Uncommitted(headOf(t, source), folder); !errors.As(err, &fault) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want a SourceError that says %q", folder, err, says)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	for _, test := range []struct {
		name, says string
		make       func(t *testing.T, dir string)
	}{
		{"no repository", "lies in no Git repository", func(*testing.T, string) {}},
		{"bare repository", "is a bare repository", func(t *testing.T, dir string) { specGit(t, dir, "init", "-q", "--bare") }},
		{"no commit", "has no commit yet", func(t *testing.T, dir string) { specGit(t, dir, "init", "-q") }},
		{"SHA-256", "SHA-256", func(t *testing.T, dir string) {
			specGit(t, dir, "init", "-q", "--object-format=sha256")
			commitEmpty(t, dir, "one")
		}},
		{"sparse checkout", "check everything out", func(t *testing.T, dir string) {
			specGit(t, dir, "clone", "-q", specRepo(t), ".")
			specGit(t, dir, "sparse-checkout", "set", "agents.d")
		}},
		{"another extension", "without this feature", func(t *testing.T, dir string) {
			specGit(t, dir, "init", "-q")
			specGit(t, dir, "config", "core.repositoryFormatVersion", "1")
			specGit(t, dir, "config", "extensions.tomorrow", "true")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.make(t, dir)
			s, err := OpenSource(dir)
			if err == nil {
				_, err = s.Head()
			}
			var fault *SourceError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want a SourceError that says %q", err, test.says)
			}
		})
	}
}

func TestIncludes(t *testing.T) {
	repo := specRepo(t)
	first := plumbing.NewHash(specGit(t, repo, "rev-parse", "HEAD"))
	specGit(t, repo, "checkout", "-q", "-b", "side")
	side := commitEmpty(t, repo, "side")
	specGit(t, repo, "checkout", "-q", "main")
	second := commitEmpty(t, repo, "second")
	specGit(t, repo, "merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := plumbing.NewHash(specGit(t, repo, "rev-parse", "HEAD"))
	specGit(t, repo, "checkout", "-q", "-b", "newer")
	newer := commitEmpty(t, repo, "newer")
	specGit(t, repo, "checkout", "-q", "main")
	specGit(t, repo, "tag", "-a", "-m", "tag", "v1")
	tag := plumbing.NewHash(specGit(t, repo, "rev-parse", "v1"))
	never := plumbing.NewHash(strings.Repeat("ab", 20))

	shallow := filepath.Join(t.TempDir(), "shallow")
	specGit(t, repo, "clone", "-q", "--depth", "2", "--branch", "newer", "file://"+repo, shallow)
	linked := filepath.Join(t.TempDir(), "linked")
	specGit(t, shallow, "worktree", "add", "-q", "--detach", linked)

	type answer struct{ Included, Known bool }
	yes, no, unknown := answer{true, true}, answer{false, true}, answer{false, false}
	for _, test := range []struct {
		dir  string
		want map[plumbing.Hash]answer
	}{
		{repo, map[plumbing.Hash]answer{merge: yes, second: yes, side: yes, first: yes, newer: no, never: no, tag: no}},
		{shallow, map[plumbing.Hash]answer{newer: yes, merge: yes, second: unknown, side: unknown, first: unknown, never: unknown}},
		{linked, map[plumbing.Hash]answer{newer: yes, merge: yes, second: unknown, never: unknown}},
	} {
		source := open(t, test.dir)
		for commit, want := range test.want {
			included, known, err := source.Includes(headOf(t, source), commit)
			if got := (answer{included, known}); err != nil || got != want {
				t.Errorf("%s: %s: %+v %v, want %+v", filepath.Base(test.dir), specGit(t, repo, "log", "--format=%s", "-1", "--ignore-missing", commit.String()), got, err, want)
			}
		}
	}
	specGit(t, shallow, "fetch", "-q", "--unshallow")
	whole := open(t, shallow)
	if included, known, err := whole.Includes(headOf(t, whole), first); !included || !known || err != nil {
		t.Errorf("no longer shallow: %t %t %v", included, known, err)
	}
}

// A clone without files, or without folders, has all that is asked for: the names of what is checked out, and every commit.
func TestPartialClone(t *testing.T) {
	from := specRepo(t)
	first := plumbing.NewHash(specGit(t, from, "rev-parse", "HEAD"))
	put(t, from, "agents.d/pay.yaml", "PAY\n")
	specGit(t, from, "commit", "-q", "-a", "-m", "second")
	specGit(t, from, "config", "uploadpack.allowFilter", "true")
	for _, filter := range []string{"blob:none", "tree:0"} {
		dir := filepath.Join(t.TempDir(), "clone")
		specGit(t, from, "clone", "-q", "--filter="+filter, "file://"+from, dir)
		put(t, dir, "policies/new.yaml", "x")
		source := open(t, dir)
		files, err := source.Uncommitted(headOf(t, source), "agents.d", "policies")
		if diff := cmp.Diff([]string{"policies/new.yaml"}, files); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", filter, err, diff)
		}
		if included, known, err := source.Includes(headOf(t, source), first); !included || !known || err != nil {
			t.Errorf("%s: %t %t %v", filter, included, known, err)
		}
	}
}

// A clock that was wrong does not hide an ancestor.
func TestIncludesWithWrongClock(t *testing.T) {
	repo := specRepo(t)
	specGit(t, repo, "-c", "user.name=x", "commit", "-q", "--amend", "--no-edit", "--date=2037-01-01T00:00:00Z")
	text := specGit(t, repo, "cat-file", "commit", "HEAD")
	future := strings.Replace(text, fmt.Sprintf("%d +0000", time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Unix()), "2114380800 +0000", 1)
	if future == text {
		t.Fatalf("no committer's date in\n%s", text)
	}
	put(t, repo, ".git/commit", future+"\n")
	first := specGit(t, repo, "hash-object", "-t", "commit", "-w", ".git/commit")
	specGit(t, repo, "reset", "-q", "--hard", first)
	commitEmpty(t, repo, "second")
	commitEmpty(t, repo, "third")
	source := open(t, repo)
	if included, known, err := source.Includes(headOf(t, source), plumbing.NewHash(first)); !included || !known || err != nil {
		t.Errorf("%t %t %v", included, known, err)
	}
}

func TestPerson(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	repo := specRepo(t)
	check := func(name string, want Person) {
		t.Helper()
		if got := open(t, repo).Person(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	check("nowhere", Person{})
	put(t, home, ".gitconfig", "[user]\n\tname = Eve\n")
	check("no address", Person{Name: "Eve"})
	put(t, home, ".gitconfig", "[user]\n\temail = eve@soc.example\n")
	check("no name", Person{Email: "eve@soc.example"})
	put(t, home, ".gitconfig", "[user]\n\tname = Eve\n\temail = eve@soc.example\n")
	check("the user's", Person{"Eve", "eve@soc.example"})
	specGit(t, repo, "config", "user.email", "eve@agents.example")
	check("the repository's wins", Person{"Eve", "eve@agents.example"})
	specGit(t, repo, "config", "user.name", "Zoe")
	put(t, home, ".gitconfig", "[user\n")
	check("the user's is damaged", Person{"Zoe", "eve@agents.example"})
}

// BenchmarkIncludes walks the whole of a history of 20,000 commits, and asks for one of the last.
func BenchmarkIncludes(b *testing.B) {
	const n = 20_000
	dir := b.TempDir()
	specGit(b, dir, "init", "-q", "-b", "main")
	var script strings.Builder
	for i := range n {
		fmt.Fprintf(&script, "commit refs/heads/main\ncommitter Bob <bob@soc.example> %d +0000\ndata <<END\nchange %d\nEND\nM 644 inline agents.d/a%d.yaml\ndata <<END\n%d\nEND\n\n", 1_700_000_000+i*60, i, i%100, i)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	specGit(b, dir, "checkout", "-q", "main")
	stranger := plumbing.NewHash(specGit(b, dir, "commit-tree", "-m", "stranger", "HEAD^{tree}"))
	recent := plumbing.NewHash(specGit(b, dir, "rev-parse", "HEAD~50"))
	for name, commit := range map[string]plumbing.Hash{"recent": recent, "stranger": stranger} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				source := open(b, dir)
				if included, known, err := source.Includes(headOf(b, source), commit); err != nil || !known || included != (commit == recent) {
					b.Fatal(included, known, err)
				}
			}
		})
	}
}
