package git

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler/git/gittest"

	"github.com/go-git/go-git/v5/plumbing"
)

// ways are the three by which a repository is reached.
var ways = []struct {
	name string
	url  func(t testing.TB, repo string) string
}{
	{"file", func(t testing.TB, repo string) string { return repo }},
	{"http", func(t testing.TB, repo string) string { return gittest.HTTP(t, repo) }},
	{"ssh", func(t testing.TB, repo string) string {
		server := gittest.SSH(t, repo)
		server.Login(t)
		return server.URL
	}},
}

// hermit takes the user's own keys, passwords and settings out of a test.
func hermit(t testing.TB) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"SSH_AUTH_SOCK", "SSH_KNOWN_HOSTS", "NETRC", "AGENTC_GIT_SSH_KEY", "AGENTC_GIT_SSH_PASSPHRASE",
		"AGENTC_GIT_USERNAME", "AGENTC_GIT_PASSWORD"} {
		t.Setenv(name, "")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
}

func openRemote(t testing.TB, url string, o Options) *Remote {
	t.Helper()
	r, err := Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fetchBranch(t testing.TB, r *Remote, branch string) *Base {
	t.Helper()
	b, err := r.Fetch(context.Background(), branch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// draft makes the commit that a publisher would push, in a copy of the repository, and packs what the repository lacks.
func draftUpdate(t testing.TB, repo, branch string, files map[string]string, gone ...string) Update {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone.git")
	gittest.Git(t, "", "clone", "--quiet", "--bare", repo, clone)
	old := gittest.Tip(t, repo, branch)
	commit := gittest.Commit(t, clone, branch, files, gone...)
	revs := commit
	if old != "" {
		revs += "\n^" + old
	}
	cmd := exec.Command("git", "pack-objects", "--revs", "--stdout", "-q")
	cmd.Dir, cmd.Stdin = clone, strings.NewReader(revs)
	var pack bytes.Buffer
	cmd.Stdout = &pack
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return Update{Branch: branch, Old: plumbing.NewHash(old), New: plumbing.NewHash(commit), Pack: pack.Bytes()}
}
