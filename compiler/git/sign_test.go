package git

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// tool runs a program that signing is judged by.
func tool(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, problem.String())
	}
	return out.String()
}

// makeSSHKey makes a key with the real ssh-keygen and returns its file.
func makeSSHKey(t testing.TB, passphrase string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	tool(t, nil, "ssh-keygen", append([]string{"-q", "-N", passphrase, "-C", "publisher", "-f", file}, args...)...)
	return file
}

func content(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// signedCommit signs a commit and stores it in a real repository.
func signedCommit(t *testing.T, s Signer) (*target, *Commit) {
	t.Helper()
	g := newTarget(t)
	bob := Person{"Bob", "bob@soc.example"}
	c, err := NewCommit(Draft{
		Tree: g.tree("100644 a x"), Author: bob, Committer: bob, When: time.Now(),
		Message: Message{"Publish soc", "Text.\n\nMore.", []Trailer{{"Agentc-Lock", "sha256:00"}}},
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	if id := g.write("commit", string(c.Data)); id != c.Hash {
		t.Fatalf("git calls the commit %s, we %s", id, c.Hash)
	}
	g.git("update-ref", "refs/heads/main", c.Hash.String())
	g.git("fsck", "--strict")
	return g, c
}

// forge is the same commit with other content under the same signature.
func (g *target) forge(c *Commit) plumbing.Hash {
	return g.write("commit", strings.Replace(string(c.Data), "Publish soc", "Publish xoc", 1))
}

func TestSignSSH(t *testing.T) {
	cases := []struct {
		name, passphrase string
		args             []string
	}{
		{"ed25519", "", []string{"-t", "ed25519"}},
		{"ed25519 with a passphrase", "open sesame", []string{"-t", "ed25519"}},
		{"ecdsa 256", "", []string{"-t", "ecdsa", "-b", "256"}},
		{"ecdsa 384 in PEM", "", []string{"-t", "ecdsa", "-b", "384", "-m", "PEM"}},
		{"ecdsa 521 in PKCS #8", "", []string{"-t", "ecdsa", "-b", "521", "-m", "PKCS8"}},
		{"rsa", "", []string{"-t", "rsa", "-b", "2048"}},
		{"rsa in PEM with a passphrase", "open sesame", []string{"-t", "rsa", "-b", "2048", "-m", "PEM"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := makeSSHKey(t, c.passphrase, c.args...)
			s, err := LoadSigner(bytes.TrimSpace(content(t, file)), []byte(c.passphrase))
			if err != nil {
				t.Fatal(err)
			}
			fingerprint := strings.Fields(tool(t, nil, "ssh-keygen", "-l", "-f", file+".pub"))[1]
			if want := "ssh " + fingerprint; s.String() != want {
				t.Errorf("it is called %s, want %s", s, want)
			}
			g, commit := signedCommit(t, s)
			allowed := filepath.Join(g.dir, "allowed")
			if err := os.WriteFile(allowed, append([]byte(`bob@soc.example namespaces="git" `), content(t, file+".pub")...), 0o600); err != nil {
				t.Fatal(err)
			}
			out := g.git("-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", commit.Hash.String())
			if !strings.Contains(out, `Good "git" signature for bob@soc.example`) || !strings.Contains(out, fingerprint) {
				t.Errorf("git verify-commit: %s", out)
			}
			if out, err := g.try("", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", g.forge(commit).String()); err == nil {
				t.Errorf("git verify-commit takes a forged commit: %s", out)
			}
		})
	}
}

// gnupg is a GnuPG home of its own; its agent ends with the test.
func gnupg(t testing.TB) []string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // t.TempDir is too long for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil { // passphrases may be cheap here
		t.Fatal(err)
	}
	env := []string{"GNUPGHOME=" + home, "LC_ALL=C"}
	t.Cleanup(func() {
		tool(t, env, "gpgconf", "--kill", "all")
		os.RemoveAll(home)
	})
	return env
}

func gpg(t testing.TB, env []string, args ...string) string {
	t.Helper()
	return tool(t, env, "gpg", append([]string{"--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
}

func TestSignGPG(t *testing.T) {
	const user = "Publisher <publisher@soc.example>"
	cases := []struct {
		name, passphrase string
		steps            [][]string // FPR stands for the key's fingerprint
		export           string
	}{
		{"rsa", "", [][]string{{"--quick-generate-key", user, "rsa2048", "sign", "never"}}, "--export-secret-keys"},
		{"ed25519 with a passphrase", "open sesame", [][]string{{"--quick-generate-key", user, "ed25519", "sign", "1d"}}, "--export-secret-keys"},
		{"nistp256", "", [][]string{{"--quick-generate-key", user, "nistp256", "sign", "never"}}, "--export-secret-keys"},
		{"signing subkey", "", [][]string{{"--quick-generate-key", user, "ed25519", "cert", "never"}, {"--quick-add-key", "FPR", "ed25519", "sign", "1y"}}, "--export-secret-keys"},
		{"signing subkey alone", "open sesame", [][]string{{"--quick-generate-key", user, "ed25519", "cert", "never"}, {"--quick-add-key", "FPR", "ed25519", "sign", "1y"}}, "--export-secret-subkeys"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			env := gnupg(t)
			fingerprint := ""
			for _, step := range c.steps {
				for i := range step {
					step[i] = strings.ReplaceAll(step[i], "FPR", fingerprint)
				}
				gpg(t, env, append([]string{"--passphrase", c.passphrase}, step...)...)
				fingerprint = regexp.MustCompile(`(?m)^fpr:+([0-9A-F]+):`).FindStringSubmatch(gpg(t, env, "--with-colons", "--list-keys"))[1]
			}
			key := gpg(t, env, "--passphrase", c.passphrase, "--armor", c.export, fingerprint)
			s, err := LoadSigner([]byte(strings.TrimSpace(key)), []byte(c.passphrase))
			if err != nil {
				t.Fatal(err)
			}
			g, commit := signedCommit(t, s)
			out := tool(t, append(env, "GIT_CONFIG_GLOBAL=/dev/null"), "sh", "-c", "git -C "+g.dir+" verify-commit "+commit.Hash.String()+" 2>&1")
			// The second line is what Argo CD (util/gpg) compares with an AppProject's signatureKeys, by its last 16 digits.
			using := regexp.MustCompile(`(?m)^gpg:\s+using\s([A-Za-z]+)\skey\s([a-zA-Z0-9]+)$`).FindStringSubmatch(out)
			if !strings.Contains(out, `Good signature from "`+user) || len(using) == 0 || s.String() != "gpg "+using[2][len(using[2])-16:] {
				t.Errorf("%s signed; git verify-commit: %s", s, out)
			}
			if subkey := len(c.steps) > 1; subkey == strings.HasSuffix(fingerprint, s.String()[4:]) {
				t.Errorf("%s signed, with the primary key %s", s, fingerprint)
			}
			forged := exec.Command("git", "verify-commit", g.forge(commit).String())
			forged.Dir, forged.Env = g.dir, append(os.Environ(), env...)
			if out, err := forged.CombinedOutput(); err == nil {
				t.Errorf("git verify-commit takes a forged commit: %s", out)
			}
		})
	}
}

// TestLoadSignerRefuses also looks for what must never be in a message: a line of the key, or the passphrase.
func TestLoadSignerRefuses(t *testing.T) {
	const user = "Publisher <publisher@soc.example>"
	const passphrase = "open sesame"
	plain, locked := makeSSHKey(t, "", "-t", "ed25519"), makeSSHKey(t, passphrase, "-t", "ed25519")
	pkcs8 := makeSSHKey(t, passphrase, "-t", "rsa", "-b", "2048", "-m", "PKCS8")
	small := makeSSHKey(t, "", "-t", "rsa", "-b", "1024")
	env := gnupg(t)
	gpg(t, env, "--passphrase", passphrase, "--quick-generate-key", user, "ed25519", "sign", "never")
	private, public := gpg(t, env, "--passphrase", passphrase, "--armor", "--export-secret-keys"), gpg(t, env, "--armor", "--export")
	expired, certOnly, revoked, two := gnupg(t), gnupg(t), gnupg(t), gnupg(t)
	gpg(t, expired, "--faked-system-time", "20240101T000000", "--quick-generate-key", user, "ed25519", "sign", "1d")
	gpg(t, certOnly, "--quick-generate-key", user, "ed25519", "cert", "never")
	gpg(t, revoked, "--quick-generate-key", user, "ed25519", "sign", "never")
	revoke(t, revoked)
	gpg(t, two, "--quick-generate-key", user, "ed25519", "sign", "never")
	gpg(t, two, "--quick-generate-key", "Other <other@soc.example>", "ed25519", "sign", "never")
	stub := gnupg(t)
	gpg(t, stub, "--quick-generate-key", user, "ed25519", "sign", "never")
	gpg(t, stub, "--quick-add-key", regexp.MustCompile(`(?m)^fpr:+([0-9A-F]+):`).FindStringSubmatch(gpg(t, stub, "--with-colons", "--list-keys"))[1], "cv25519", "encr", "never")
	export := func(env []string, args ...string) []byte {
		return []byte(gpg(t, env, append([]string{"--armor"}, args...)...))
	}
	cases := []struct {
		name       string
		key        []byte
		passphrase string
		want       string
	}{
		{"ssh, wrong passphrase", content(t, locked), "wrong", "the passphrase does not open the signing key"},
		{"ssh, no passphrase", content(t, locked), "", "has a passphrase, which was not given"},
		{"ssh, public", content(t, plain+".pub"), "", "is a public key"},
		{"ssh, public in PEM", []byte(tool(t, nil, "ssh-keygen", "-e", "-m", "PKCS8", "-f", small)), "", "is a public key"},
		{"ssh, public in RFC 4716", []byte(tool(t, nil, "ssh-keygen", "-e", "-f", plain)), "", "is a public key"},
		{"ssh, PKCS #8 with a passphrase", content(t, pkcs8), passphrase, "ssh-keygen -p -f FILE"},
		{"ssh, too short", content(t, small), "", "RSA of at least 2048 bits"},
		{"ssh, cut off", content(t, plain)[:200], "", "is none that agentc can read"},
		{"ssh, damaged", bytes.Replace(content(t, plain), []byte("AAAA"), []byte("AAAB"), 2), "", "is none that agentc can read"},
		{"gpg, wrong passphrase", []byte(private), "wrong", "the passphrase does not open the signing key"},
		{"gpg, no passphrase", []byte(private), "", "has a passphrase, which was not given"},
		{"gpg, public", []byte(public), "", "is a public key"},
		{"gpg, damaged", []byte(private[:len(private)/2]), passphrase, "the signing key is damaged"},
		{"gpg, expired", export(expired, "--export-secret-keys"), "", "may sign now: it has expired"},
		{"gpg, revoked", export(revoked, "--export-secret-keys"), "", "may sign now: it is revoked"},
		{"gpg, certifies only", export(certOnly, "--export-secret-keys"), "", "has no part that may sign now"},
		{"gpg, two", export(two, "--export-secret-keys"), "", "is 2 keys"},
		{"gpg, without the part that signs", export(stub, "--export-secret-subkeys"), "", "has no secret part of gpg "},
		{"garbage", []byte("hunter2-hunter2-hunter2"), "", "is none that agentc can read"},
		{"nothing", nil, "", "is none that agentc can read"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := LoadSigner(c.key, []byte(c.passphrase))
			refused := new(SignerError)
			if s != nil || !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v; want %q", s, err, c.want)
			}
			for _, word := range append(strings.Fields(string(c.key)), passphrase) {
				if len(word) >= len(passphrase) && strings.Contains(err.Error(), word) {
					t.Errorf("%q shows the key", err)
				}
			}
		})
	}
}

// revoke uses the revocation certificate that gpg keeps for each key, with a colon before it so that nobody does so by mistake.
func revoke(t testing.TB, env []string) {
	t.Helper()
	home := strings.TrimPrefix(env[0], "GNUPGHOME=")
	files, err := filepath.Glob(filepath.Join(home, "openpgp-revocs.d", "*.rev"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data := bytes.ReplaceAll(content(t, files[0]), []byte(":-----BEGIN"), []byte("-----BEGIN"))
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	gpg(t, env, "--import", files[0])
}

// brokenSigner signs something else than it is given, as a card with a fault would.
type brokenSigner struct{ Signer }

func (s brokenSigner) Sign(payload []byte) (string, error) {
	return s.Signer.Sign(append(bytes.Clone(payload), ' '))
}

func TestCommitChecksItsOwnSignature(t *testing.T) {
	s, err := LoadSigner(content(t, makeSSHKey(t, "", "-t", "ed25519")), nil)
	if err != nil {
		t.Fatal(err)
	}
	bob := Person{"Bob", "bob@soc.example"}
	draft := Draft{Author: bob, Committer: bob, When: time.Unix(1, 0), Message: Message{Subject: "s"}}
	c, err := NewCommit(draft, brokenSigner{s})
	if refused := new(SignerError); c != nil || !errors.As(err, &refused) {
		t.Errorf("got %v, %v", c, err)
	}
	_, signed := signedCommit(t, s)
	other, err := LoadSigner(content(t, makeSSHKey(t, "", "-t", "ed25519")), nil)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := NewCommit(draft, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		commit *Commit
		by     Signer
		want   bool
	}{{"ours", signed, s, true}, {"by another key", signed, other, false}, {"unsigned", unsigned, s, false}} {
		stored := &plumbing.MemoryObject{}
		stored.SetType(plumbing.CommitObject)
		stored.Write(c.commit.Data)
		read := &object.Commit{}
		if err := read.Decode(stored); err != nil {
			t.Fatal(err)
		}
		if got := signedBy(read, c.by); got != c.want {
			t.Errorf("%s: signedBy says %v", c.name, got)
		}
	}
}
