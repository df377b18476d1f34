package seal

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/lestrrat-go/jwx/v3/jws/jwsbb"
)

// A JSON Web Signature (RFC 7515) is BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature). Header and payload are
// always written the same way here, so that an old signature is judged by the bytes that we would sign today and by nothing
// that it says of itself.

// signingInput is what is signed: a JWS without its signature. Type says what the payload is.
func signingInput(k publicKey, typ string, payload []byte) ([]byte, error) {
	header, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Typ string `json:"typ"`
		Kid string `json:"kid"`
	}{k.alg, typ, k.id})
	if err != nil {
		return nil, err
	}
	return jwsbb.SignBuffer(nil, header, payload, base64.RawURLEncoding, true), nil
}

// sign gives the signature in base64url.
func (r *keyring) sign(input []byte) (string, error) {
	signature, err := jwsbb.Sign(r.own.Signer, r.public.alg, input, nil)
	var bad *KeyError
	if errors.As(err, &bad) {
		return "", bad // in its own words alone
	}
	return base64.RawURLEncoding.EncodeToString(signature), err
}

// verify says whether a signature is one of the input, in the one way to write it.
func (k publicKey) verify(input []byte, signature string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && base64.RawURLEncoding.EncodeToString(raw) == signature && jwsbb.Verify(k.key, k.alg, input, raw) == nil
}
