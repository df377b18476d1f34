// Package gittest makes real remotes for tests: a bare repository, git's own http server in front of it, and an sshd. Only
// tests import it.
package gittest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Git runs git in a folder and returns what it prints, without the last line's end.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return run(t, dir, nil, "git", args...)
}

func run(t testing.TB, dir string, stdin []byte, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(tool(t, name), args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// tool finds a program that the test cannot do without.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // where sshd is, and not everybody's path leads
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	if err != nil {
		t.Fatalf("this test needs %s (Debian: git, openssh-client, openssh-server): %v", name, err)
	}
	return path
}

// Bare makes an empty repository and returns its folder. It takes pushes over http from anybody.
func Bare(t testing.TB) string {
	t.Helper()
	repo := filepath.Join(t.TempDir(), "fleet.git")
	run(t, "", nil, "git", "init", "--quiet", "--bare", "--initial-branch=main", repo)
	Git(t, repo, "config", "http.receivepack", "true")
	return repo
}

// Commit adds files to a branch, removes others, and returns the new commit. The branch need not exist.
func Commit(t testing.TB, repo, branch string, files map[string]string, gone ...string) string {
	t.Helper()
	var in bytes.Buffer
	fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Test <test@soc.example> 1700000000 +0000\ndata 5\ntest\n\n", branch)
	if Tip(t, repo, branch) != "" {
		fmt.Fprintf(&in, "from refs/heads/%s^0\n", branch)
	}
	for _, path := range gone {
		fmt.Fprintf(&in, "D %s\n", path)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(files[path]), files[path])
	}
	run(t, repo, in.Bytes(), "git", "fast-import", "--quiet")
	return Tip(t, repo, branch)
}

// Tip is the commit that a branch is at; empty: there is no such branch.
func Tip(t testing.TB, repo, branch string) string {
	t.Helper()
	return Git(t, repo, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
}

// Hook puts a shell script in place of a hook.
func Hook(t testing.TB, repo, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(repo, "hooks", name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// Tree writes a tree from lines as `git ls-tree` prints them, and returns its name.
func Tree(t testing.TB, repo, lines string) string {
	t.Helper()
	return run(t, repo, []byte(lines), "git", "mktree")
}
