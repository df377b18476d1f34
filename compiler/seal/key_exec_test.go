package seal_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler/seal"
)

// program writes a script that stands for a token.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signer.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// honest signs by openssl with a key in a file.
func honest(t *testing.T, algorithm string) string {
	t.Helper()
	_, text, err := seal.NewKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`key=%s
case $1 in
public) %[2]s pkey -in "$key" -pubout ;;
sign) cat >"$key.digest"; %[2]s pkeyutl -sign -inkey "$key" -pkeyopt digest:sha256 -in "$key.digest" ;;
esac
`, write(t, text, 0o600), tool(t, "openssl", "openssl"))
}

// TestExecKey: a program that signs is a key like any other, by its path and by the PATH.
func TestExecKey(t *testing.T) {
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		path := program(t, honest(t, algorithm))
		t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
		for _, ref := range []string{"exec:" + path, "exec:signer.sh"} {
			key, err := seal.LoadKey(ref)
			if err != nil {
				t.Fatal(err)
			}
			out := compile(t, same, "{trust: key, keys: ["+listed(t, "token", key)+"]}")
			r := apply(t, out, nil, at(noon, key))
			if _, err := verifier(t, "token", algorithm, key)(archive(t, r.Tree, out.Fleet.Environments[0])); err != nil {
				t.Errorf("%s: %v", ref, err)
			}
			if len(r.Seals.Cards) != 4 {
				t.Errorf("%s: %d cards signed", ref, len(r.Seals.Cards))
			}
		}
	}
}

// TestExecKeyRefused: a program that fails says why on its standard error; what it prints is never shown.
func TestExecKeyRefused(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"fails":               {"echo the token is not there >&2; echo SECRET; exit 3", "exit status 3); it said: the token is not there"},
		"prints nothing":      {"exit 0", "did not print one public key"},
		"prints no key":       {"echo SECRET", "did not print one public key"},
		"prints another form": {"echo '-----BEGIN PUBLIC KEY-----'; echo U0VDUkVU; echo '-----END PUBLIC KEY-----'", "did not print a public key"},
		"prints without end":  {"exec yes SECRET", "more than 16384 bytes"},
		"another curve":       {tool(t, "openssl", "openssl") + " ecparam -name secp384r1 -genkey -noout | openssl pkey -pubout", "on the curve P-384"},
	} {
		path := program(t, c.script)
		_, err := seal.LoadKey("exec:" + path)
		refused(t, name, err, path, c.want)
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v shows what the program printed", name, err)
		}
	}
	for name, path := range map[string]string{"by path": filepath.Join(t.TempDir(), "none"), "by name": "no-such-signer"} {
		_, err := seal.LoadKey("exec:" + path)
		refused(t, name, err, path, "")
	}
	if _, err := seal.LoadKey("exec:true; echo"); err == nil {
		t.Error("a shell reads the program's name")
	}
}

// TestExecSignatures: a program's signature is believed only where its public key verifies it.
func TestExecSignatures(t *testing.T) {
	digest := sha256.Sum256([]byte("x"))
	for name, sign := range map[string]struct{ script, want string }{
		"nothing":              {"true", "printed 0 bytes"},
		"another message's":    {"head -c 32 /dev/zero >\"$key.digest\"; openssl pkeyutl -sign -inkey \"$key\" -pkeyopt digest:sha256 -in \"$key.digest\"", "no signature of the digest"},
		"raw instead of DER":   {"head -c 64 /dev/zero", "printed 64 bytes"},
		"a number far too big": {"printf '\\060\\112\\002\\104'; head -c 68 /dev/zero | tr '\\0' '\\101'; printf '\\002\\002\\001\\001'", "no signature"},
		"a failure":            {"echo PIN blocked >&2; exit 1", "it said: PIN blocked"},
	} {
		script := strings.Replace(honest(t, seal.ES256), "sign) ", "sign) "+sign.script+" ;;\nnever) ", 1)
		path := program(t, script)
		key, err := seal.LoadKey("exec:" + path)
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = key.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		refused(t, name, err, path, sign.want)

		out := compile(t, same, "{trust: key, keys: ["+listed(t, "token", key)+"]}")
		_, err = seal.Apply(out.Fleet.Environments, out.Tree, nil, at(noon, key))
		refused(t, name, err, path, sign.want)
		if err != nil && !strings.HasPrefix(err.Error(), "`") {
			t.Errorf("%s: the message is wrapped: %v", name, err)
		}
	}
}

// TestToken seals by the shipped example with a key that was made in a PKCS #11 token and cannot leave it.
func TestToken(t *testing.T) {
	for algorithm, kind := range map[string]string{seal.ES256: "EC:prime256v1", seal.RS256: "rsa:2048"} {
		t.Run(algorithm, func(t *testing.T) {
			module := "/usr/lib/softhsm/libsofthsm2.so"
			if _, err := os.Stat(module); err != nil {
				t.Fatalf("this test makes a token: apt-get install softhsm2 (%v)", err)
			}
			dir := t.TempDir()
			conf := filepath.Join(dir, "softhsm2.conf")
			if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"SOFTHSM2_CONF": conf, "PKCS11_MODULE": module, "PKCS11_TOKEN": "publisher", "PKCS11_KEY": "seal", "PKCS11_PIN": "1234"} {
				t.Setenv(name, value)
			}
			run(t, tool(t, "softhsm2-util", "softhsm2"), "--init-token", "--free", "--label", "publisher", "--pin", "1234", "--so-pin", "5678")
			run(t, tool(t, "pkcs11-tool", "opensc"), "--module", module, "--token-label", "publisher", "--login", "--pin", "1234", "--keypairgen", "--key-type", kind, "--label", "seal", "--usage-sign")
			key, err := seal.LoadKey("exec:../../hack/pkcs11-signer.sh")
			if err != nil {
				t.Fatal(err)
			}
			out := compile(t, same, "{trust: key, keys: ["+listed(t, "token", key)+"]}")
			r := apply(t, out, nil, at(noon, key))
			if _, err := verifier(t, "token", algorithm, key)(archive(t, r.Tree, out.Fleet.Environments[0])); err != nil {
				t.Error(err)
			}
			t.Setenv("PKCS11_PIN", "4321")
			_, err = seal.Apply(out.Fleet.Environments, out.Tree, nil, at(noon, key))
			refused(t, "wrong PIN", err, "pkcs11-signer.sh", "PIN")
			if err != nil && strings.Contains(err.Error(), "4321") {
				t.Errorf("%v shows the PIN", err)
			}
		})
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
