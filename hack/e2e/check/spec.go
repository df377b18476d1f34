package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// spec is a copy of the repository's agents.d and policies, in a Git repository of its own. Two things differ from the original:
// dev's CA certificate, whose private key cert-manager must have here, and the pause of dev's canary, which the analysis needs.
type spec struct{ folder string }

func (s spec) create(ca string) error {
	if err := os.MkdirAll(s.folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"agents.d", "policies"} {
		if err := os.CopyFS(filepath.Join(s.folder, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			return err
		}
	}
	certificate, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	indented := strings.ReplaceAll(strings.TrimSpace(string(certificate)), "\n", "\n          ")
	if err := s.edit("agents.d/platform.yaml", `(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----`, indented); err != nil {
		return err
	}
	if err := s.edit("agents.d/remediate.yaml", `(?m)^            - pause: \S+`, "            - pause: 10m"); err != nil { // dev's, by its indent
		return err
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"config", "user.name", "Pat"}, {"config", "user.email", "pat@soc.example"}} {
		if err := s.git(args...); err != nil {
			return err
		}
	}
	return s.commit("The shipped fleet")
}

func (s spec) git(args ...string) error {
	out, err := exec.Command("git", append([]string{"-C", s.folder}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("git %s: %s%w", args[0], out, err)
	}
	return nil
}

func (s spec) commit(subject string) error {
	if err := s.git("add", "-A"); err != nil {
		return err
	}
	return s.git("commit", "-q", "-m", subject)
}

// edit replaces the first match, and insists that there is one.
func (s spec) edit(file, pattern, with string) error {
	name := filepath.Join(s.folder, file)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	place := regexp.MustCompile(pattern).FindIndex(text)
	if place == nil {
		return fmt.Errorf("%s has nothing like %s", file, pattern)
	}
	return os.WriteFile(name, []byte(string(text[:place[0]])+with+string(text[place[1]:])), 0o644)
}

// publish commits the spec and lets agentc push what follows from it. It returns the commit on Argo CD's branch.
func (c *cluster) publish(ctx context.Context, subject string) (string, error) {
	if err := c.spec.commit(subject); err != nil {
		return "", err
	}
	return c.push(ctx)
}

func (c *cluster) push(ctx context.Context) (string, error) {
	verified := []string{"--unverified"}
	if judge := os.Getenv("AGENTC_JUDGE"); judge != "" {
		verified = []string{"--judge", judge}
	}
	args := append([]string{"-C", c.spec.folder, "publish", "--env", "dev", "--author", "Publisher <publisher@soc.example>",
		"--seal-key", filepath.Join(c.state, "seal.pem")}, verified...)
	cmd := exec.CommandContext(ctx, "agentc", args...)
	cmd.Env = append(os.Environ(), "AGENTC_GIT_PASSWORD=publisher", "SSL_CERT_FILE="+filepath.Join(c.state, "pki/ca.crt"),
		"HTTPS_PROXY=http://127.0.0.1:"+os.Getenv("E2E_NAMES"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("agentc publish: %s%w", out, err)
	}
	commit, err := exec.Command("git", "--git-dir", filepath.Join(c.state, "git/soc/agents.git"), "rev-parse", "main").Output()
	if err != nil {
		return "", err
	}
	if err := c.refresh(ctx, "normal"); err != nil && !gone(err) { // at first there is no Application
		return "", err
	}
	return strings.TrimSpace(string(commit)), nil
}

// converge publishes, and waits until Argo CD has applied it.
func (c *cluster) converge(ctx context.Context, subject string) (string, error) {
	commit, err := c.publish(ctx, subject)
	if err != nil {
		return "", err
	}
	return commit, eventually(ctx, 2*time.Minute, func() error { return c.applied(ctx, commit) })
}
