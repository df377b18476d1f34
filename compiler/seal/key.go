package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// Algorithms of the seals, by their names in a JWS.
const (
	ES256 = "ES256"
	RS256 = "RS256"
)

// minRSA is the least size of an RSA key, in bits.
const minRSA = 2048

// Key is a private key of the publisher. Its signer holds a key from a file or the environment, or asks a token or a cloud
// that never gives the key away.
type Key struct {
	Signer crypto.Signer // ECDSA on P-256 (ES256) or RSA of at least 2048 bits (RS256)
}

// LoadKey finds a key: `FILE` (PEM, PKCS #8), `env:NAME` (the same in an environment variable) or `exec:PROGRAM`, which is
// asked for the public key and for each signature. A key that cannot be used is a *KeyError. What it says never holds a part
// of a private key.
func LoadKey(ref string) (*Key, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		return envKey(name)
	}
	if program, ok := strings.CutPrefix(ref, "exec:"); ok {
		return execKey(program)
	}
	return fileKey(ref)
}

// PublicPEM is the public half as the Platform lists it.
func (k *Key) PublicPEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Signer.Public())
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// Fingerprint names the public half: the SHA-256 of its DER form in hexadecimal digits, as `openssl pkey -pubout -outform DER |
// sha256sum` gives it.
func (k *Key) Fingerprint() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Signer.Public())
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// algorithm that a public key is for. Where it is for none, fault says what it is instead.
func algorithm(key crypto.PublicKey) (alg, fault string) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ES256, ""
		}
		return "", "on the curve " + k.Params().Name
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			return RS256, ""
		}
		return "", fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
	}
	return "", "of another kind"
}

// fits is the key of a signer whose public half can verify seals.
func fits(signer crypto.Signer, where string) (*Key, error) {
	if _, fault := algorithm(signer.Public()); fault != "" {
		return nil, keyErrorf("the key in %s is %s; seals take ECDSA P-256, or RSA of %d bits or more", where, fault, minRSA)
	}
	return &Key{signer}, nil
}

func keyErrorf(format string, args ...any) error { return &KeyError{fmt.Sprintf(format, args...)} }
