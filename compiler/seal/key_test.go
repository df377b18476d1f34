package seal_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler/seal"
)

func block(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return block("PRIVATE KEY", der, err)
}

// TestLoadKey reads every form of a private key that openssl writes, from a file and from the environment.
func TestLoadKey(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	large, _ := rsa.GenerateKey(rand.Reader, 2048)
	sec1, err := x509.MarshalECPrivateKey(ec)
	for name, c := range map[string]struct {
		text   []byte
		public crypto.PublicKey
	}{
		"PKCS #8, EC":                {pkcs8(ec), ec.Public()},
		"PKCS #8, RSA":               {pkcs8(large), large.Public()},
		"SEC 1":                      {block("EC PRIVATE KEY", sec1, err), ec.Public()},
		"SEC 1 below the curve":      {append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), block("EC PRIVATE KEY", sec1, err)...), ec.Public()},
		"PKCS #1":                    {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(large), nil), large.Public()},
		"words above, a space below": {append([]byte("the publisher's key\n"), append(pkcs8(ec), "\n\n "...)...), ec.Public()},
	} {
		t.Setenv("TEST_SEAL_KEY", string(c.text))
		for _, ref := range []string{write(t, c.text, 0o600), write(t, c.text, 0o400), "env:TEST_SEAL_KEY"} {
			key, err := seal.LoadKey(ref)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !c.public.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Signer.Public()) {
				t.Errorf("%s: another key", name)
			}
		}
	}
}

func write(t *testing.T, data []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeyRefused: what cannot be used is refused in a sentence that says what to do, and holds nothing of the key.
func TestKeyRefused(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	good := pkcs8(ec)
	public, err := x509.MarshalPKIXPublicKey(ec.Public())
	for name, c := range map[string]struct {
		text []byte
		mode os.FileMode
		want string
	}{
		"another curve":    {pkcs8(p384), 0o600, "on the curve P-384"},
		"a small RSA key":  {pkcs8(small), 0o600, "an RSA key of 1024 bits"},
		"Ed25519":          {pkcs8(edwards), 0o600, "of another kind"},
		"a public key":     {block("PUBLIC KEY", public, err), 0o600, "no private key"},
		"two keys":         {append(bytes.Clone(good), good...), 0o600, "more than one"},
		"encrypted":        {openssl(t, good, "pkey", "-aes256", "-passout", "pass:secret"), 0o600, "openssl pkey -in FILE"},
		"encrypted, older": {openssl(t, good, "ec", "-aes256", "-passout", "pass:secret"), 0o600, "openssl pkey -in FILE"},
		"damaged":          {block("PRIVATE KEY", []byte("no DER"), nil), 0o600, "damaged"},
		"OpenSSH's format": {block("OPENSSH PRIVATE KEY", []byte("x"), nil), 0o600, "convert it to PKCS #8"},
		"no PEM":           {[]byte("secret"), 0o600, "no private key in PEM"},
		"nothing":          {nil, 0o600, "no private key in PEM"},
		"very long":        {bytes.Repeat(good, 1000), 0o600, "more bytes than any"},
		"open to all":      {good, 0o644, "chmod 600"},
		"open to a group":  {good, 0o640, "mode 0640"},
	} {
		path := write(t, c.text, c.mode)
		_, err := seal.LoadKey(path)
		refused(t, name, err, path, c.want)
		for _, line := range strings.Split(string(c.text), "\n") {
			if len(line) > 5 && strings.Contains(err.Error(), line) {
				t.Errorf("%s: %v holds a part of the key", name, err)
			}
		}
		if c.mode == 0o600 && len(c.text) > 0 && len(c.text) < 100_000 {
			t.Setenv("TEST_SEAL_KEY", string(c.text))
			_, err = seal.LoadKey("env:TEST_SEAL_KEY")
			refused(t, name, err, "TEST_SEAL_KEY", c.want)
		}
	}
	_, err = seal.LoadKey("env:TEST_NO_SEAL_KEY")
	refused(t, "no variable", err, "TEST_NO_SEAL_KEY", "not set")
	_, err = seal.LoadKey(filepath.Join(t.TempDir(), "none.pem"))
	refused(t, "no file", err, "none.pem", "no such file")
	_, err = seal.LoadKey(t.TempDir())
	refused(t, "a folder", err, "", "")
}

func refused(t *testing.T, name string, err error, where, want string) {
	t.Helper()
	var bad *seal.KeyError
	if !errors.As(err, &bad) || !strings.Contains(bad.Reason, where) || !strings.Contains(bad.Reason, want) {
		t.Errorf("%s: %v, want a *KeyError that says %q and %q", name, err, where, want)
	}
}

// openssl writes what the library has no writer for.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(tool(t, "openssl", "openssl"), args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(args, err)
	}
	return out
}

// tool finds a program that the tests need.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test runs %s: apt-get install %s", name, pkg)
	}
	return path
}

// TestFingerprint is what people get from openssl.
func TestFingerprint(t *testing.T) {
	key := newKey(t, seal.ES256)
	public, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(openssl(t, []byte(public), "pkey", "-pubin", "-outform", "DER"))
	if got, err := key.Fingerprint(); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s %v, openssl says %x", got, err, sum)
	}
}

// TestSignaturesRepeat: a key from a file signs the same bytes with the same signature.
func TestSignaturesRepeat(t *testing.T) {
	digest := sha256.Sum256([]byte("x"))
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		made, text, err := seal.NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		read, err := seal.LoadKey(write(t, text, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		a, errA := made.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		b, errB := read.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %x and %x, %v, %v", algorithm, a, b, errA, errB)
		}
	}
}
