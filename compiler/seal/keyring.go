package seal

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// publicKey verifies the seals of an environment.
type publicKey struct {
	id  string
	alg string
	key crypto.PublicKey
}

// keyring is what there is to seal an environment with.
type keyring struct {
	listed map[string]publicKey // by id, as the Platform lists them
	atHand map[string]*Key      // those whose private half we have
	own    *Key                 // the one that seals; nil: nothing new is sealed
	public publicKey            // the listed half of own
}

// keeps says whether a seal by that key may stay. Where there are keys and it is none of them, theirs takes its place: so a key
// is changed.
func (r *keyring) keeps(id string) bool { return r.own == nil || r.atHand[id] != nil }

// newKeyring finds the key that seals an environment: the first whose public half the Platform lists there. An environment that
// loads sealed bundles only needs one of the keys at hand; any other is left unsealed without.
func newKeyring(env *model.Environment, keys []*Key) (*keyring, error) {
	ring := &keyring{listed: map[string]publicKey{}, atHand: map[string]*Key{}}
	var ids, found []string
	for _, k := range env.Keys {
		key, err := listedKey(k)
		if err != nil {
			return nil, fmt.Errorf("key %s of %s: %w", k.ID, env.Name, err)
		}
		ring.listed[k.ID] = key
		ids = append(ids, k.ID)
	}
	for _, k := range keys {
		for _, id := range ids {
			if equal(ring.listed[id].key, k.Signer.Public()) {
				ring.add(id, k)
			}
		}
		fingerprint, err := k.Fingerprint()
		if err != nil {
			return nil, err
		}
		found = append(found, "sha256:"+fingerprint)
	}
	if env.Trust == "key" && len(keys) > 0 && ring.own == nil {
		return nil, keyErrorf("%s loads bundles sealed by %s, and the key at hand (%s) is none of these: give the private half of one, or list this one in bundle.keys (`agentc key public` prints it)",
			env.Name, strings.Join(ids, ", "), strings.Join(found, ", "))
	}
	return ring, nil
}

func (r *keyring) add(id string, k *Key) {
	r.atHand[id] = k
	if r.own == nil {
		r.own, r.public = k, r.listed[id]
	}
}

// listedKey is a key of the Platform. The rules have refused what it cannot be.
func listedKey(k schema.PublicKey) (publicKey, error) {
	key, err := parsePublic(k.Key)
	if err != nil {
		return publicKey{}, err
	}
	alg, fault := algorithm(key)
	if fault != "" {
		return publicKey{}, errors.New(fault)
	}
	return publicKey{k.ID, alg, key}, nil
}

func parsePublic(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// equal compares public keys; every kind of them can.
func equal(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
