package git

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// sshNamespace keeps signatures of commits apart from those of anything else that the key may sign.
const sshNamespace = "git"

// sshSigner signs as `git commit -S` does with gpg.format=ssh (OpenSSH's PROTOCOL.sshsig).
type sshSigner struct{ key ssh.Signer }

func loadSSH(data, passphrase []byte) (Signer, error) {
	key, err := ssh.ParsePrivateKey(data)
	if encrypted := new(ssh.PassphraseMissingError); errors.As(err, &encrypted) {
		if len(passphrase) == 0 {
			return nil, &SignerError{"the signing key has a passphrase, which was not given"}
		}
		key, err = ssh.ParsePrivateKeyWithPassphrase(data, passphrase)
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, &SignerError{"the passphrase does not open the signing key"}
	case bytes.HasPrefix(data, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")):
		return nil, &SignerError{"the signing key is PKCS #8 with a passphrase; `ssh-keygen -p -f FILE` writes it in OpenSSH's format"}
	case err != nil:
		return nil, &SignerError{"the signing key is none that agentc can read: a private key in OpenSSH's format, in PEM, or as armored OpenPGP"}
	}
	if err := checkSSH(key.PublicKey()); err != nil {
		return nil, err
	}
	return &sshSigner{key}, nil
}

// checkSSH refuses what OpenSSH would not verify, and what is too short to be evidence.
func checkSSH(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		if key, ok := key.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey); ok && key.N.BitLen() >= 2048 {
			return nil
		}
	}
	return &SignerError{fmt.Sprintf("the signing key is of type %s; Ed25519, ECDSA, and RSA of at least 2048 bits sign", key.Type())}
}

func (s *sshSigner) Sign(payload []byte) (string, error) {
	signature, err := sshsig.Sign(bytes.NewReader(payload), s.key, sshsig.HashSHA512, sshNamespace)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", s, err)
	}
	return string(sshsig.Armor(signature)), nil
}

func (s *sshSigner) Verify(payload []byte, armored string) error {
	signature, err := sshsig.Unarmor([]byte(armored))
	if err != nil {
		return err
	}
	return sshsig.Verify(bytes.NewReader(payload), signature, s.key.PublicKey(), sshsig.HashSHA512, sshNamespace)
}

func (s *sshSigner) String() string { return "ssh " + ssh.FingerprintSHA256(s.key.PublicKey()) }
