package seal

import "crypto"

// Key is a private key of the publisher. Its signer holds a key from a file or the environment, or asks a token or a cloud
// that never gives the key away.
type Key struct {
	Signer crypto.Signer // ECDSA on P-256 (ES256) or RSA of at least 2048 bits (RS256)
}

// LoadKey finds a key: `FILE` (PEM, PKCS #8), `env:NAME` (the same in an environment variable) or `exec:PROGRAM`, which is
// asked for the public key and for each signature.
func LoadKey(ref string) (*Key, error) { panic("to be written") }
