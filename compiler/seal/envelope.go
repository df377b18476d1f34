package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/schema"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// payloadType of an in-toto statement in a DSSE envelope.
const payloadType = "application/vnd.in-toto+json"

// maxStatement bounds what is read: names of environments are all that can make it long.
const maxStatement = 1 << 20

// opened is an envelope taken apart.
type opened struct {
	body       []byte
	signatures []signature
}

type signature struct {
	key   string // id
	bytes []byte
}

// signedEnvelope signs with every key of ours that some environment lists; without one it has no signature.
func signedEnvelope(body []byte, own []*Key, listed [][]schema.PublicKey) ([]byte, error) {
	environments, err := listedKeys(listed)
	if err != nil {
		return nil, err
	}
	e := &opened{body: body}
	for _, l := range signers(environments) {
		i := slices.IndexFunc(own, func(k *Key) bool { return equal(l.key, k.Signer.Public()) })
		if i < 0 {
			continue
		}
		sig, err := own[i].Signer.Sign(rand.Reader, signedDigest(body), crypto.SHA256)
		if err != nil {
			return nil, err
		}
		e.signatures = append(e.signatures, signature{l.id, sig})
	}
	return e.bytes()
}

func listedKeys(listed [][]schema.PublicKey) ([][]publicKey, error) {
	environments := make([][]publicKey, len(listed))
	for i, keys := range listed {
		for _, k := range keys {
			key, err := listedKey(k)
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", k.ID, err)
			}
			environments[i] = append(environments[i], key)
		}
	}
	return environments, nil
}

// signers are the keys that may sign, each once, in the order of their signatures: by id. Two environments may call different
// keys by one id, then the first environment's is first; of a key that has two ids the lesser one counts.
func signers(environments [][]publicKey) []publicKey {
	all := slices.Concat(environments...)
	slices.SortStableFunc(all, func(a, b publicKey) int { return strings.Compare(a.id, b.id) })
	var once []publicKey
	for _, k := range all {
		if !k.in(once) {
			once = append(once, k)
		}
	}
	return once
}

func (k publicKey) in(keys []publicKey) bool {
	return slices.ContainsFunc(keys, func(o publicKey) bool { return equal(o.key, k.key) })
}

// verifiedBody is the payload of an envelope that is signed for every environment. It must be written as we write it, down to
// the byte: JSON has many ways to say the same to one reader and something else to another.
func verifiedBody(data []byte, listed [][]schema.PublicKey) ([]byte, error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return nil, err
	}
	same, err := e.bytes()
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(same, data):
		return nil, errors.New("it is not written as agentc writes it")
	}
	return e.body, e.signedFor(listed)
}

// signedFor says whether each environment that lists keys has a signature by one of its own: a key that another one lists says
// nothing here. Every signature must count, in its place, so that none can be added.
func (e *opened) signedFor(listed [][]schema.PublicKey) error {
	environments, err := listedKeys(listed)
	if err != nil {
		return err
	}
	var signed []publicKey
	left, digest := signers(environments), signedDigest(e.body)
	for _, s := range e.signatures {
		i := slices.IndexFunc(left, func(k publicKey) bool { return k.id == s.key && verifies(k.key, digest, s.bytes) })
		if i < 0 {
			return fmt.Errorf("its signature is by no key %q that the Platform lists, or not in its place", s.key)
		}
		signed, left = append(signed, left[i]), left[i+1:]
	}
	for _, keys := range environments {
		if len(keys) > 0 && !slices.ContainsFunc(keys, func(k publicKey) bool { return k.in(signed) }) {
			return fmt.Errorf("it has no signature by a key that one of its environments wants: %s", ids(keys))
		}
	}
	return nil
}

func ids(keys []publicKey) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.id)
	}
	return strings.Join(all, " or ")
}

// verifies knows the two algorithms of a Key, in the form that crypto.Signer gives: ASN.1 DER of ECDSA, as every implementation
// of DSSE writes it (a JWS has it otherwise), and PKCS #1 v1.5 of RSA, which is what a token that signs RS256 can do.
func verifies(key crypto.PublicKey, digest, signature []byte) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest, signature) == nil
	default:
		return false
	}
}

// signedDigest is what is signed: the payload and its type, each with its length.
func signedDigest(body []byte) []byte {
	sum := sha256.Sum256(dsse.PAE(payloadType, body))
	return sum[:]
}

func (e *opened) bytes() ([]byte, error) {
	out := dsse.Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(e.body),
		Signatures:  []dsse.Signature{},
	}
	for _, s := range e.signatures {
		out.Signatures = append(out.Signatures, dsse.Signature{KeyID: s.key, Sig: base64.StdEncoding.EncodeToString(s.bytes)})
	}
	return artifact.JSON(out)
}

func parseEnvelope(data []byte) (*opened, error) {
	if len(data) > maxStatement {
		return nil, fmt.Errorf("it has %d bytes, more than any of ours (%d)", len(data), maxStatement)
	}
	in := &dsse.Envelope{}
	if err := json.Unmarshal(data, in); err != nil {
		return nil, err
	}
	if in.PayloadType != payloadType {
		return nil, fmt.Errorf("its payload is of the type %q, not %s", in.PayloadType, payloadType)
	}
	body, err := base64.StdEncoding.DecodeString(in.Payload)
	e := &opened{body: body}
	for _, s := range in.Signatures {
		sig, errSig := base64.StdEncoding.DecodeString(s.Sig)
		err = errors.Join(err, errSig)
		e.signatures = append(e.signatures, signature{s.KeyID, sig})
	}
	return e, err
}
