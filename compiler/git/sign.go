package git

import (
	"bytes"

	"golang.org/x/crypto/ssh"
)

// Signer signs commits: with an SSH key or with an OpenPGP key.
type Signer interface {
	Sign(payload []byte) (armored string, err error)
	Verify(payload []byte, armored string) error
	String() string // `ssh SHA256:…` or `gpg 4AEE18F83AFDEB23`
}

// SignerError says that a key cannot sign, which is the user's to mend. It never holds anything of the key, nor what a
// library said of it.
type SignerError struct{ Reason string }

func (e *SignerError) Error() string { return e.Reason }

// LoadSigner reads a private key: OpenSSH's format, PEM, or armored OpenPGP. What is wrong with it is a *SignerError.
func LoadSigner(key, passphrase []byte) (Signer, error) {
	key = append(bytes.TrimSpace(key), '\n') // stores of secrets like to drop the last newline
	first, _, _ := bytes.Cut(key, []byte("\n"))
	_, _, _, _, notAuthorized := ssh.ParseAuthorizedKey(key)
	switch {
	case notAuthorized == nil, bytes.Contains(first, []byte("PUBLIC KEY")):
		return nil, &SignerError{"the signing key is a public key; signing needs the private one"}
	case bytes.HasPrefix(first, []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----")):
		return loadGPG(key, passphrase)
	default:
		return loadSSH(key, passphrase)
	}
}
