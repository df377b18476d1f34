package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"agentc/compiler/git/gittest"
)

// site is a spec in a Git repository, whose dev loads sealed bundles only, with the publisher's two keys.
type site struct {
	t                  testing.TB
	dir                string // the spec
	sealKey, commitKey string // files
	signers            string // whom git trusts
	env                []string
}

func newSite(t testing.TB) *site {
	t.Helper()
	base := t.TempDir()
	s := &site{t: t, dir: filepath.Join(base, "spec"), sealKey: filepath.Join(base, "seal.pem"), commitKey: filepath.Join(base, "commit"), signers: filepath.Join(base, "signers")}
	s.env = []string{
		asCommand + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + base,
		"GIT_AUTHOR_NAME=Pat Publisher", "GIT_AUTHOR_EMAIL=pat@soc.example",
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.must("init")
	listed := s.must("key", "new", "--out", s.sealKey, "--id", "publisher")
	s.edit("agents.d/platform.yaml", "      bundle: {trust: git} # later: key, with the public key that seals bundles\n",
		"      bundle:\n        trust: key\n        keys:\n"+regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSuffix(listed, "\n"), "          ")+"\n")
	gittest.Git(t, s.dir, "init", "-q", "-b", "main")
	gittest.Git(t, s.dir, "remote", "add", "origin", "https://pat:secret@git.soc.example/soc/spec.git")
	s.commit("A fleet")
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pat@soc.example", "-f", s.commitKey).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	public, err := os.ReadFile(s.commitKey + ".pub")
	if err := errors.Join(err, os.WriteFile(s.signers, append([]byte("pat@soc.example "), public...), 0o644)); err != nil {
		t.Fatal(err)
	}
	return s
}

// edit replaces text that a file of the spec holds once.
func (s *site) edit(file, from, to string) {
	s.t.Helper()
	path := filepath.Join(s.dir, file)
	data, err := os.ReadFile(path)
	if err != nil || strings.Count(string(data), from) != 1 {
		s.t.Fatalf("%s holds %q %d times, %v", file, from, strings.Count(string(data), from), err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) commit(subject string) {
	s.t.Helper()
	gittest.Git(s.t, s.dir, "add", "-A")
	gittest.Git(s.t, s.dir, "-c", "user.name=Ada", "-c", "user.email=ada@soc.example", "commit", "-q", "-m", subject)
}

// removeGreeter takes an agent out of the fleet, and commits that.
func (s *site) removeGreeter() {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, "agents.d/greeter.yaml")); err != nil {
		s.t.Fatal(err)
	}
	s.edit("agents.d/hello.yaml", "from: greeter", "from: portal")
	s.edit("agents.d/hello.yaml", "  team: ai", "  team: ai\n  entry: true")
	s.edit("agents.d/platform.yaml", "to: greeter, skills: [welcome]", "to: hello, skills: [greet]")
	s.commit("Without the greeter")
}

func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// agentc runs the command in a process of its own.
func (s *site) agentc(args ...string) (stdout, stderr string, err error) {
	var out, notes bytes.Buffer
	cmd := s.command(s.t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &out, &notes
	err = cmd.Run()
	return out.String(), notes.String(), err
}

func (s *site) must(args ...string) string {
	s.t.Helper()
	out, notes, err := s.agentc(args...)
	if err != nil {
		s.t.Fatalf("agentc %v: %v\n%s%s", args, err, out, notes)
	}
	return out
}

func (s *site) publishing(url string) []string {
	return []string{"publish", "--to", url, "--seal-key", s.sealKey, "--commit-key", s.commitKey, "--unverified"}
}

// TestPublish goes, over each kind of remote, the whole way: publish, nothing to publish, an agent less beside a stranger's
// file; and asks git what it thinks of it.
func TestPublish(t *testing.T) {
	for name, remote := range map[string]func(t *testing.T, repo string, s *site) string{
		"file": func(_ *testing.T, repo string, _ *site) string { return repo },
		"http": func(t *testing.T, repo string, s *site) string {
			s.env = append(s.env, "AGENTC_GIT_USERNAME=pat", "AGENTC_GIT_PASSWORD=tok3n")
			return gittest.HTTP(t, repo, gittest.Login("pat", "tok3n"))
		},
		"ssh": func(t *testing.T, repo string, s *site) string {
			server := gittest.SSH(t, repo)
			server.Login(t)
			s.env = append(s.env, "SSH_KNOWN_HOSTS="+server.KnownHosts, "AGENTC_GIT_SSH_KEY="+os.Getenv("AGENTC_GIT_SSH_KEY"))
			return server.URL
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, repo := newSite(t), gittest.Bare(t)
			url := remote(t, repo, s)
			if out := s.must(s.publishing(url)...); !strings.Contains(out, "32 added") && !strings.Contains(out, "added, 0 removed") {
				t.Error(out)
			}
			if out := s.must(s.publishing(url)...); !strings.HasSuffix(out, " main: nothing to publish\n") {
				t.Errorf("the second run: %s", out)
			}
			gittest.Commit(t, repo, "main", map[string]string{"generated/dev/manifests/demo-greeter/notes.txt": "mine\n"})
			s.removeGreeter()
			out, notes, err := s.agentc(s.publishing(url)...)
			if err != nil || !strings.Contains(notes, "generated/dev/manifests/demo-greeter/notes.txt:1:1: warning: on main: is not ours and was left alone") {
				t.Errorf("%v\n%s%s", err, out, notes)
			}
			if left := gittest.Git(t, repo, "ls-tree", "-r", "--name-only", "main", "generated/dev/manifests/demo-greeter"); left != "generated/dev/manifests/demo-greeter/notes.txt" {
				t.Errorf("of the greeter is left: %s", left)
			}
			s.vouched(repo)
		})
	}
}

// vouched demands that git finds nothing wrong with the repository, and verifies each commit of ours.
func (s *site) vouched(repo string) {
	s.t.Helper()
	gittest.Git(s.t, repo, "fsck", "--strict")
	gittest.Git(s.t, repo, "config", "gpg.ssh.allowedSignersFile", s.signers)
	for hash := range strings.FieldsSeq(gittest.Git(s.t, repo, "log", "--author=Pat", "--format=%H", "main")) {
		gittest.Git(s.t, repo, "verify-commit", hash)
	}
	spec := gittest.Git(s.t, s.dir, "rev-parse", "HEAD")
	shown := gittest.Git(s.t, repo, "log", "-1", "--show-signature", "main")
	for _, want := range []string{
		`Good "git" signature for pat@soc.example`, "Agentc-Spec-Commit: " + spec, "Agentc-Sealed: dev, sequence 2, until ",
		"Agentc-Spec-Repository: https://git.soc.example/soc/spec.git", "Agentc-Verified: no, --unverified", "Argocd-reference-commit-sha: " + spec,
	} {
		if !strings.Contains(shown, want) {
			s.t.Errorf("the commit does not say %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "secret") {
		s.t.Error("the commit holds the password of the spec's remote")
	}
}

// TestPublishKilled kills the command with signal 9 at ever later moments, until one run gets to its end. Whenever that is, the
// branch is as before or as it ought to be, and the next run goes on from there.
func TestPublishKilled(t *testing.T) {
	s, repo := newSite(t), gittest.Bare(t)
	s.must(s.publishing(repo)...)
	before := gittest.Tip(t, repo, "main")
	s.removeGreeter()
	start := time.Now()
	s.must(append(s.publishing(repo), "--dry-run")...)
	whole := time.Since(start)
	killed := 0
	for wait := time.Duration(0); ; wait += whole / 15 {
		ctx, cancel := context.WithTimeout(t.Context(), max(wait, time.Millisecond))
		err := s.command(ctx, s.publishing(repo)...).Run() // the context kills with signal 9
		cancel()
		tip := gittest.Tip(t, repo, "main")
		gittest.Git(t, repo, "fsck", "--strict")
		if tip != before {
			if parent := gittest.Git(t, repo, "rev-parse", tip+"^"); parent != before {
				t.Fatalf("after %s the branch is at %s, which builds on %s and not on %s", wait, tip, parent, before)
			}
			break
		}
		if err == nil {
			t.Fatalf("after %s it said that it was done, and was not", wait)
		}
		killed++
	}
	t.Logf("killed %d times in %s", killed, whole)
	if out := s.must(s.publishing(repo)...); !strings.Contains(out, "nothing to publish") {
		t.Errorf("the next run: %s", out)
	}
	s.vouched(repo)
}

// TestPublishToAFullDisk: the remote's disk has no room for the commit. The branch stays, the message says so, and with room the
// next run gets through.
func TestPublishToAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("only root can make a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, 0) })
	s, repo := newSite(t), filepath.Join(disk, "repo.git")
	gittest.Git(t, "", "init", "-q", "--bare", "-b", "main", repo)
	s.must(s.publishing(repo)...)
	before := gittest.Tip(t, repo, "main")
	filler := filepath.Join(disk, "filler")
	var full syscall.Statfs_t
	if err := syscall.Statfs(disk, &full); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filler, make([]byte, int64(full.Bavail)*full.Bsize), 0o644); err != nil {
		t.Fatal(err)
	}
	s.removeGreeter()
	out, notes, err := s.agentc(s.publishing(repo)...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitOurs || !strings.Contains(notes, "No space left on device") {
		t.Errorf("%v\n%s%s", err, out, notes)
	}
	if tip := gittest.Tip(t, repo, "main"); tip != before {
		t.Errorf("the branch moved to %s", tip)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.must(s.publishing(repo)...)
	s.vouched(repo)
}

// TestPublishRefuses: exit codes and messages of what a person can get wrong.
func TestPublishRefuses(t *testing.T) {
	s, repo := newSite(t), gittest.Bare(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"publish", "--to", repo}, exitUsage, "--unverified"},
		{[]string{"publish", "--to", repo, "--unverified"}, exitUsage, "say --seal-key"},
		{[]string{"publish", "--to", repo, "--unverified", "--seal-key", "none.pem"}, exitUsage, "none.pem"},
		{[]string{"publish", "--to", repo, "--unverified", "--seal-key", s.commitKey}, exitUsage, "agentc key new"},
		{append(s.publishing(repo), "--env", "staging"), exitUsage, "there are dev"},
		{append(s.publishing(repo), "--path", "../x"), exitUsage, "--path"},
		{append(s.publishing(repo), "--author", "Pat"), exitUsage, "Name <email>"},
		{append(s.publishing(repo), "--seal-life", "5m"), exitUsage, "an hour at least"},
		{append(s.publishing(repo), "--branch", "a..b"), exitUsage, "branch"},
		{s.publishing(repo + "-missing"), exitOurs, "there is no such repository"},
		{s.publishing("ftp://git.soc.example/x"), exitUsage, "https"},
	} {
		out, notes, err := s.agentc(c.args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != c.code || !strings.Contains(notes, c.want) {
			t.Errorf("%v: %v, want exit code %d and %q\n%s%s", c.args[1:], err, c.code, c.want, out, notes)
		}
	}
	s.edit("agents.d/hello.yaml", "spec:\n", "spec: # of an agent\n")
	if _, notes, err := s.agentc(s.publishing(repo)...); err == nil || !strings.Contains(notes, "agents.d/hello.yaml:1:1: error: is not as it was committed") {
		t.Errorf("uncommitted: %v\n%s", err, notes)
	}
	if refs := gittest.Git(t, repo, "for-each-ref"); refs != "" {
		t.Errorf("pushed: %s", refs)
	}
}

// TestKeysStayPrivate: neither key is in what is printed or published.
func TestKeysStayPrivate(t *testing.T) {
	s, repo := newSite(t), gittest.Bare(t)
	for _, name := range []string{s.sealKey, s.commitKey} {
		key, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		variable := map[string]string{s.sealKey: envSealKey, s.commitKey: envCommitKey}[name]
		s.env = append(s.env, fmt.Sprintf("%s=%s", variable, key))
	}
	out, notes, err := s.agentc("publish", "--to", repo, "--unverified")
	if err != nil {
		t.Fatal(err, notes)
	}
	published := gittest.Git(t, repo, "log", "-p", "--format=%B", "main")
	for _, variable := range s.env[len(s.env)-2:] {
		_, key, _ := strings.Cut(variable, "=")
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") && strings.Contains(out+notes+published, line) {
				t.Errorf("a line of the private key was shown")
			}
		}
	}
	s.vouchedOnce(repo)
}

func (s *site) vouchedOnce(repo string) {
	s.t.Helper()
	gittest.Git(s.t, repo, "config", "gpg.ssh.allowedSignersFile", s.signers)
	gittest.Git(s.t, repo, "verify-commit", "main")
}
