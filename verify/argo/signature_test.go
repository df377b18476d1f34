package argo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v2/util/gpg"
)

// keyring is a GnuPG home and a repository whose commits are signed from it.
type keyring struct {
	env        []string
	repository string
}

// TestSignatureKeys signs commits with GnuPG, has them verified by the script of Argo CD's repository server, and compares the
// result with the project as its controller does. Where a subkey signs, it is the subkey's id that counts.
func TestSignatureKeys(t *testing.T) {
	k := newKeyring(t)
	primary, subkey := k.newKey(t, "publisher@pay.example")
	_, stranger := k.newKey(t, "stranger@pay.example")
	root := withAllSaid(t, filepath.Join(product, "compiler", "testdata", "payments"), subkey)
	project := deliveries(t, fleet{root, compile(t, root)})[0].project
	if len(project.Spec.SignatureKeys) != 1 {
		t.Fatalf("the project demands one of %v", project.Spec.SignatureKeys)
	}
	for name, c := range map[string]struct {
		signer string
		want   bool
	}{
		"signed by the publisher": {subkey, true},
		"signed by a stranger":    {stranger, false},
		"not signed":              {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			result := k.verify(t, k.commit(t, c.signer))
			if got := mayBeSynced(project, result); got != c.want {
				t.Errorf("may be synced: %v (%+v)", got, result)
			}
		})
	}
	if project.Spec.SignatureKeys[0].KeyID = primary; mayBeSynced(project, k.verify(t, k.commit(t, subkey))) {
		t.Error("what a subkey signed is taken for its primary key's")
	}
}

// mayBeSynced is verifyGnuPGSignature of Argo CD's controller/state.go, which nobody else can call.
func mayBeSynced(project v1alpha1.AppProject, result gpg.PGPVerifyResult) bool {
	if result.Result != gpg.VerifyResultGood {
		return false
	}
	for _, k := range project.Spec.SignatureKeys {
		if gpg.KeyID(k.KeyID) == gpg.KeyID(result.KeyID) && gpg.KeyID(k.KeyID) != "" {
			return true
		}
	}
	return false
}

func newKeyring(t *testing.T) keyring {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // a short name: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	k := keyring{repository: t.TempDir(), env: append(os.Environ(), "GNUPGHOME="+home, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)}
	t.Cleanup(func() {
		k.run(t, "gpgconf", "--kill", "all")
		os.RemoveAll(home)
	})
	k.run(t, "git", "init", "--quiet")
	return k
}

// newKey makes a primary key, which only certifies, and a subkey that signs. Both ids are the long ones.
func (k keyring) newKey(t *testing.T, email string) (primary, subkey string) {
	t.Helper()
	k.run(t, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", email, "ed25519", "cert", "1d")
	fingerprint := k.column(t, email, "fpr", 9)
	k.run(t, "gpg", "--batch", "--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign", "1d")
	return k.column(t, email, "pub", 4), k.column(t, email, "sub", 4)
}

// column is a field of the first record of a kind in the list of keys.
func (k keyring) column(t *testing.T, email, record string, field int) string {
	t.Helper()
	for line := range strings.Lines(k.run(t, "gpg", "--batch", "--with-colons", "--list-keys", email)) {
		if fields := strings.Split(line, ":"); fields[0] == record {
			return fields[field]
		}
	}
	t.Fatalf("no %s record of %s", record, email)
	return ""
}

// commit makes one, signed by a key or by nobody.
func (k keyring) commit(t *testing.T, key string) (hash string) {
	t.Helper()
	sign := "--no-gpg-sign"
	if key != "" {
		sign = "--gpg-sign=" + key + "!"
	}
	k.run(t, "git", "-c", "user.name=Publisher", "-c", "user.email=publisher@pay.example", "commit", "--quiet", "--allow-empty", "-m", "generated", sign)
	return strings.TrimSpace(k.run(t, "git", "rev-parse", "HEAD"))
}

func (k keyring) verify(t *testing.T, hash string) gpg.PGPVerifyResult {
	t.Helper()
	argo, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(strings.TrimSpace(string(argo)), "hack", "git-verify-wrapper.sh")
	return gpg.ParseGitCommitVerification(k.run(t, "sh", script, hash))
}

func (k keyring) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = k.repository, k.env
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, problems.String())
	}
	return string(out)
}
