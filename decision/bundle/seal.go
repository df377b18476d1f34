package bundle

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	opa "github.com/open-policy-agent/opa/v1/bundle"
)

// The seal is OPA's: `.signatures.json` holds one JWT over the digest of every other file. It is read more narrowly than OPA reads it: one signature, by a key
// that is known with the one algorithm that the key is for, over every file and no other, and nothing in it that is not understood.

// Files that a seal is about, or that would go around it.
const (
	manifestFile   = ".manifest"
	signaturesFile = ".signatures.json"
	patchFile      = "patch.json" // a delta, which OPA never verifies
)

// The algorithms of seals, by their names in a JWT.
const (
	es256 = "ES256"
	rs256 = "RS256"

	minRSA = 2048 // bits
)

// Keys that seals are believed by, by their ids.
type Keys map[string]crypto.PublicKey

// ReadKeys reads the public keys in a folder: one in each <id>.pem.
func ReadKeys(folder string) (Keys, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.pem"))
	if err != nil {
		return nil, err
	}
	keys := Keys{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		key, err := publicKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys[strings.TrimSuffix(filepath.Base(name), ".pem")] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no key: a <id>.pem for each", folder)
	}
	return keys, nil
}

func publicKey(text []byte) (crypto.PublicKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not one PUBLIC KEY in PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	if algorithmOf(key) == "" {
		return nil, fmt.Errorf("the key is none that seals: ECDSA P-256, or RSA of %d bits or more", minRSA)
	}
	return key, nil
}

func algorithmOf(key crypto.PublicKey) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return es256
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			return rs256
		}
	}
	return ""
}

// Sealed says whether the bundle claims to be sealed. What is claimed, Verify finds out.
func (b *Bundle) Sealed() bool {
	_, signed := b.Files[signaturesFile]
	return signed || b.Manifest.Metadata.Sequence != 0
}

// Verify that one of the keys sealed the bundle as it is, every file of it.
func (b *Bundle) Verify(keys Keys) error {
	if err := b.verify(keys); err != nil {
		return fmt.Errorf("the bundle's seal: %w", err)
	}
	return nil
}

func (b *Bundle) verify(keys Keys) error {
	token, err := b.token()
	if err != nil {
		return err
	}
	said, err := token.verified(keys)
	if err != nil {
		return err
	}
	hashes := map[string]string{}
	for _, f := range said.Files {
		if _, twice := hashes[f.Name]; twice || f.Algorithm != string(opa.SHA256) {
			return fmt.Errorf("it lists %q twice, or by %q", f.Name, f.Algorithm)
		}
		hashes[f.Name] = f.Hash
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		if name == signaturesFile {
			continue
		}
		sum, err := digest(name, b.Files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if want, listed := hashes[name]; !listed || want != sum {
			return fmt.Errorf("it is not about %s as it is here", name)
		}
		delete(hashes, name)
	}
	for name := range hashes {
		return fmt.Errorf("it is about %s, which is not here", name)
	}
	return nil
}

// token is the JWT.
type token struct{ header, payload, signature, input []byte }

func (b *Bundle) token() (*token, error) {
	text, signed := b.Files[signaturesFile]
	if !signed {
		return nil, errors.New("there is none")
	}
	for name := range b.Files {
		if base := strings.ToLower(path.Base(name)); strings.HasSuffix(base, signaturesFile[1:]) && name != signaturesFile || base == patchFile {
			return nil, fmt.Errorf("the bundle holds %s, which is made to go around it", name)
		}
	}
	var file struct {
		Signatures []string `json:"signatures"`
	}
	if err := exactly(text, &file); err != nil {
		return nil, err
	}
	if len(file.Signatures) != 1 {
		return nil, fmt.Errorf("there are %d; it takes one", len(file.Signatures))
	}
	parts := strings.Split(file.Signatures[0], ".")
	if len(parts) != 3 {
		return nil, errors.New("it is no JWT")
	}
	t := &token{input: []byte(parts[0] + "." + parts[1])}
	for i, into := range []*[]byte{&t.header, &t.payload, &t.signature} {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			return nil, errors.New("it is no JWT")
		}
		*into = raw
	}
	return t, nil
}

// sealed is what a JWT is about.
type sealed struct {
	Files []struct {
		Name      string `json:"name"`
		Hash      string `json:"hash"`
		Algorithm string `json:"algorithm"`
	} `json:"files"`
	KeyID string `json:"keyid"`
}

// verified reads the payload once its signature is good, and not before.
func (t *token) verified(keys Keys) (*sealed, error) {
	var header struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		Key       string `json:"kid"`
	}
	if err := exactly(t.header, &header); err != nil {
		return nil, err
	}
	key, known := keys[header.Key]
	if !known {
		return nil, fmt.Errorf("it is by the key %q; known are %s", header.Key, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
	}
	if header.Algorithm != algorithmOf(key) || header.Type != "JWT" {
		return nil, fmt.Errorf("it is %s %q; the key %s is for %s", header.Type, header.Algorithm, header.Key, algorithmOf(key))
	}
	if !signed(key, t.input, t.signature) {
		return nil, fmt.Errorf("the signature is not one of the key %s", header.Key)
	}
	said := new(sealed)
	if err := exactly(t.payload, said); err != nil {
		return nil, err
	}
	if said.KeyID != header.Key {
		return nil, fmt.Errorf("it says that it is by %q, and is by %q", said.KeyID, header.Key)
	}
	return said, nil
}

func signed(key crypto.PublicKey, input, signature []byte) bool {
	sum := sha256.Sum256(input)
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		const half = 32
		return len(signature) == 2*half && ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// digest of a file as OPA takes it: of data and manifest by their meaning, of everything else by its bytes. What has two meanings, has none.
func digest(name string, data []byte) (string, error) {
	hasher, err := opa.NewSignatureHasher(opa.SHA256)
	if err != nil {
		return "", err
	}
	var value any = data
	if opa.IsStructuredDoc(name) {
		if value, err = meaning(data); err != nil {
			return "", err
		}
	}
	sum, err := hasher.HashFile(value)
	return hex.EncodeToString(sum), err
}

func meaning(data []byte) (value any, err error) {
	if err := unambiguous(data); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return value, d.Decode(&value)
}

// unambiguous is one JSON value, without keys that come twice.
func unambiguous(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if err := d.SkipValue(); err != nil {
		return fmt.Errorf("not the JSON that it should be: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the JSON")
	}
	return nil
}

// exactly reads JSON into a value that must hold all of it.
func exactly(data []byte, into any) error {
	if err := unambiguous(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
