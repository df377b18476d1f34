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

// signedEnvelope signs with the first key of ours that is listed; without one it has no signature.
func signedEnvelope(body []byte, own []*Key, listed []schema.PublicKey) ([]byte, error) {
	e := &opened{body: body}
	for _, k := range own {
		id, ok := listedAs(k, listed)
		if !ok {
			continue
		}
		sig, err := k.Signer.Sign(rand.Reader, signedDigest(body), crypto.SHA256)
		if err != nil {
			return nil, err
		}
		e.signatures = []signature{{id, sig}}
		break
	}
	return e.bytes()
}

// listedAs gives the id by which a key's public half is listed.
func listedAs(k *Key, listed []schema.PublicKey) (id string, ok bool) {
	for _, l := range listed {
		if key, err := parsePublic(l.Key); err == nil && equal(key, k.Signer.Public()) {
			return l.ID, true
		}
	}
	return "", false
}

// verifiedBody is the payload of an envelope that one of the listed keys signed, or nobody where none is listed. It must be
// written as we write it, down to the byte: JSON has many ways to say the same to one reader and something else to another.
func verifiedBody(data []byte, listed []schema.PublicKey) ([]byte, error) {
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
	case len(listed) == 0 && len(e.signatures) == 0:
		return e.body, nil
	case len(e.signatures) != 1:
		return nil, fmt.Errorf("it has %d signatures instead of one", len(e.signatures))
	case !signedBy(listed, e.signatures[0], signedDigest(e.body)):
		return nil, fmt.Errorf("its signature is by no key %q that the Platform lists", e.signatures[0].key)
	}
	return e.body, nil
}

// signedBy looks for the key among the listed ones. Two environments may call different keys by one id.
func signedBy(listed []schema.PublicKey, s signature, digest []byte) bool {
	for _, l := range listed {
		if l.ID != s.key {
			continue
		}
		if key, err := parsePublic(l.Key); err == nil && verifies(key, digest, s.bytes) {
			return true
		}
	}
	return false
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
