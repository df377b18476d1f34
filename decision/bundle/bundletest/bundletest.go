// Package bundletest packs and seals bundles for tests, by Open Policy Agent's own signer: what is read by our code is not written by it.
package bundletest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"agentc/decision/bundle"

	opa "github.com/open-policy-agent/opa/v1/bundle"
)

// Key seals.
type Key struct {
	ID, Algorithm string
	private       string // PEM
	Keys          bundle.Keys
}

// NewKey makes one, for ES256 or RS256.
func NewKey(t testing.TB, algorithm string) *Key {
	t.Helper()
	var private any
	k := &Key{ID: "publisher", Algorithm: algorithm}
	if algorithm == "RS256" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		check(t, err)
		private, k.Keys = key, bundle.Keys{k.ID: &key.PublicKey}
	} else {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(t, err)
		private, k.Keys = key, bundle.Keys{k.ID: &key.PublicKey}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	k.private = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return k
}

// Shipped are the files of the example's bundle for an environment, some of them with another text in the place of one that is there.
func Shipped(t testing.TB, folder string, edits ...[3]string) map[string][]byte {
	t.Helper()
	b, err := bundle.Open(folder)
	check(t, err)
	for _, e := range edits {
		text := string(b.Files[e[0]])
		if !strings.Contains(text, e[1]) {
			t.Fatalf("%s has no %q", e[0], e[1])
		}
		b.Files[e[0]] = []byte(strings.Replace(text, e[1], e[2], 1))
	}
	return b.Files
}

// Seal adds sequence, end and signature to files, and packs them.
func (k *Key) Seal(t testing.TB, files map[string][]byte, sequence int64, notAfter string) []byte {
	t.Helper()
	files = maps.Clone(files)
	var m map[string]any
	check(t, json.Unmarshal(files[".manifest"], &m))
	m["metadata"].(map[string]any)["sequence"], m["metadata"].(map[string]any)["not_after"] = sequence, notAfter
	files[".manifest"] = encode(t, m)
	hasher, err := opa.NewSignatureHasher(opa.SHA256)
	check(t, err)
	var list []opa.FileInfo
	for name, data := range files {
		var value any = data
		if opa.IsStructuredDoc(name) {
			d := json.NewDecoder(bytes.NewReader(data))
			d.UseNumber()
			check(t, d.Decode(&value))
		}
		sum, err := hasher.HashFile(value)
		check(t, err)
		list = append(list, opa.NewFile(name, hex.EncodeToString(sum), string(opa.SHA256)))
	}
	token, err := opa.GenerateSignedToken(list, opa.NewSigningConfig(k.private, k.Algorithm, ""), k.ID)
	check(t, err)
	files[".signatures.json"] = encode(t, opa.SignaturesConfig{Signatures: []string{token}})
	return Pack(t, files)
}

// Pack files as they are.
func Pack(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	tw := tar.NewWriter(zw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		check(t, tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644}))
		_, err := tw.Write(files[name])
		check(t, err)
	}
	check(t, tw.Close())
	check(t, zw.Close())
	return out.Bytes()
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	check(t, err)
	return text
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("the test's bundle: %w", err))
	}
}
