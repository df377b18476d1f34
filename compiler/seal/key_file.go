package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxKey bounds what is read as a key: RSA of 16384 bits takes 13 KB.
const maxKey = 64 << 10

// fileKey reads a private key from a file that nobody else may read.
func fileKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, keyErrorf("the key cannot be read: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&0o077 != 0 {
		return nil, keyErrorf("the key in %s is open to others (mode %04o): chmod 600 %[1]s", path, mode.Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err != nil {
		return nil, keyErrorf("the key cannot be read: %v", err)
	}
	return parseKey(data, path)
}

// envKey reads a private key from an environment variable.
func envKey(name string) (*Key, error) {
	text := os.Getenv(name)
	if text == "" {
		return nil, keyErrorf("the environment variable %s, which should hold a private key in PEM, is empty or not set", name)
	}
	return parseKey([]byte(text), "the environment variable "+name)
}

// parseKey reads a private key in PEM: PKCS #8, or what openssl wrote before it. What the parsers say of a key is not passed on:
// nobody promises that it holds nothing of the key.
func parseKey(data []byte, where string) (*Key, error) {
	if len(data) > maxKey {
		return nil, keyErrorf("%s has more bytes than any private key (%d)", where, maxKey)
	}
	block, err := onlyBlock(data, where)
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, keyErrorf("%s holds a PEM block %q and no private key; convert it to PKCS #8, or make one with `agentc key new`", where, block.Type)
	}
	if err != nil {
		return nil, keyErrorf("the private key in %s is damaged, or of a kind that cannot seal: look at it with `openssl pkey -check -noout`, or make one with `agentc key new`", where)
	}
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		return fits(steady{ec}, where)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, keyErrorf("the key in %s cannot sign; seals take ECDSA P-256 or RSA", where)
	}
	return fits(signer, where)
}

// onlyBlock finds the one PEM block of a text. Older tools of openssl write the name of the curve before the key.
func onlyBlock(data []byte, where string) (*pem.Block, error) {
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	switch {
	case block == nil:
		return nil, keyErrorf("%s holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", where)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, keyErrorf("%s holds more than one private key in PEM; give it one", where)
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, keyErrorf("the key in %s is encrypted; decrypt it where it is used, without a file: KEY=\"$(openssl pkey -in FILE)\", exported, and env:KEY", where)
	}
	return block, nil
}

// steady signs the same bytes with the same signature: its nonces come from the key and the message (RFC 6979) and not from a
// random number, so that two runs from one place give one commit.
type steady struct{ *ecdsa.PrivateKey }

func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

// NewKey makes a key for an algorithm, ES256 or RS256, and writes it as PKCS #8 in PEM.
func NewKey(algorithm string) (*Key, []byte, error) {
	var key crypto.Signer
	var err error
	switch algorithm {
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		key, err = rsa.GenerateKey(rand.Reader, 3072) // until 2030 and beyond, as NIST SP 800-57 has it
	default:
		return nil, nil, fmt.Errorf("no algorithm of seals: %s", algorithm)
	}
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	made, err := parseKey(text, "the new key")
	return made, text, err
}
