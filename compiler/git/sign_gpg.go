package git

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// gpgSigner signs as `git commit -S` does with GnuPG.
type gpgSigner struct {
	entity *openpgp.Entity
	id     uint64 // of the key that signs, the entity's own or one of its subkeys
}

func loadGPG(data, passphrase []byte) (Signer, error) {
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, &SignerError{"the signing key is damaged: it is not what `gpg --armor --export-secret-keys KEY` writes"}
	case len(keys) != 1:
		return nil, &SignerError{fmt.Sprintf("the signing key is %d keys; export one: gpg --armor --export-secret-keys KEY", len(keys))}
	}
	now := time.Now()
	key, usable := keys[0].SigningKey(now)
	if !usable {
		return nil, &SignerError{fmt.Sprintf("OpenPGP key %016X has no part that may sign now%s", keys[0].PrimaryKey.KeyId, expiry(keys[0], now))}
	}
	s := &gpgSigner{keys[0], key.PublicKey.KeyId}
	switch secret := key.PrivateKey; {
	case secret == nil || secret.Dummy():
		return nil, &SignerError{fmt.Sprintf("the export has no secret part of %s, which signs; is that on a card?", s)}
	case !secret.Encrypted:
		return s, nil
	case len(passphrase) == 0:
		return nil, &SignerError{"the signing key has a passphrase, which was not given"}
	case secret.Decrypt(passphrase) != nil:
		return nil, &SignerError{"the passphrase does not open the signing key"}
	}
	return s, nil
}

// expiry says why a key may not sign.
func expiry(e *openpgp.Entity, now time.Time) string {
	self, _ := e.PrimarySelfSignature()
	switch {
	case e.Revoked(now):
		return ": it is revoked"
	case self != nil && e.PrimaryKey.KeyExpired(self, now):
		return ": it has expired"
	}
	return ""
}

func (s *gpgSigner) Sign(payload []byte) (string, error) {
	var armored strings.Builder
	err := openpgp.ArmoredDetachSign(&armored, s.entity, bytes.NewReader(payload), &packet.Config{SigningKeyId: s.id})
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", s, err)
	}
	return armored.String(), nil
}

func (s *gpgSigner) Verify(payload []byte, armored string) error {
	_, err := openpgp.CheckArmoredDetachedSignature(openpgp.EntityList{s.entity}, bytes.NewReader(payload), strings.NewReader(armored), nil)
	return err
}

// String names the key that really signs, a subkey where there is one: Argo CD compares the id that `git verify-commit`
// prints behind `using … key` with the AppProject's signatureKeys, and that is the subkey's.
func (s *gpgSigner) String() string { return fmt.Sprintf("gpg %016X", s.id) }
