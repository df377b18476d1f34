package seal_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/seal"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// TestCards: each card is signed as A2A 1.0 says, reads as before, and is the same card to the official SDK.
func TestCards(t *testing.T) {
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		key := newKey(t, algorithm)
		out := compile(t, same, "{trust: key, keys: ["+listed(t, "publisher", key)+"]}")
		r := apply(t, out, nil, at(noon, key))
		compiled, signed := cards(t, out.Tree), cards(t, r.Tree)
		if len(signed) != 4 || len(signed) != len(compiled) {
			t.Fatalf("%d cards, %d of them signed", len(compiled), len(signed))
		}
		for name, text := range signed {
			before, after := decodeCard(t, compiled[name]), decodeCard(t, text)
			if len(after.Signatures) != 1 {
				t.Fatalf("%s %s: %d signatures", algorithm, name, len(after.Signatures))
			}
			s := after.Signatures[0]
			header, err := base64.RawURLEncoding.DecodeString(s.Protected)
			if want := `{"alg":"` + algorithm + `","typ":"JOSE","kid":"publisher"}`; err != nil || string(header) != want || s.Header != nil {
				t.Errorf("%s: header %s and %v, want %s", name, header, s.Header, want)
			}
			if !verifyJWS(t, key.Signer.Public(), s, canonical(t, text)) {
				t.Errorf("%s %s: the signature is not the card's", algorithm, name)
			}
			if verifyJWS(t, key.Signer.Public(), s, canonical(t, strings.Replace(text, "hello", "hallo", 1))) && strings.Contains(text, "hello") {
				t.Errorf("%s %s: the signature is another card's too", algorithm, name)
			}
			after.Signatures = nil
			if d := cmp.Diff(before, after); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			if body := strings.TrimSuffix(compiled[name], "\n}\n"); !strings.HasPrefix(text, body+",\n  \"signatures\": [\n    {\n      \"protected\": \"") || !strings.HasSuffix(text, "\"\n    }\n  ]\n}\n") {
				t.Errorf("%s is not as readable as before:\n%s", name, text)
			}
		}
	}
}

// TestCanonicalForm: a compiled card holds nothing that A2A's canonical form leaves out or that readers write in two ways: no
// null, no false, no number, and nothing empty but what the protocol demands.
func TestCanonicalForm(t *testing.T) {
	out := compile(t, same, "{trust: git}")
	for name, text := range cards(t, out.Tree) {
		var card any
		if err := json.Unmarshal([]byte(text), &card); err != nil {
			t.Fatal(err)
		}
		walk(t, name, card)
	}
}

func walk(t *testing.T, path string, v any) {
	t.Helper()
	empty := false
	switch v := v.(type) {
	case map[string]any:
		empty = len(v) == 0
		for name, value := range v {
			walk(t, path+"."+name, value)
		}
	case []any:
		empty = len(v) == 0 && !strings.HasSuffix(path, ".schemes.mtls") // a list of scopes
		for _, value := range v {
			walk(t, path+"[]", value)
		}
	case string:
		empty = v == ""
	default:
		if v != true {
			t.Errorf("%s is %v", path, v)
		}
	}
	if empty {
		t.Errorf("%s is empty", path)
	}
}

// cards of a tree by agent and file.
func cards(t *testing.T, tree *artifact.Tree) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range tree.Paths() {
		for _, o := range tree.Objects(path) {
			if c, ok := o.Value.(*corev1.ConfigMap); ok && strings.HasSuffix(c.Name, "-cards") {
				for file, text := range c.Data {
					all[c.Name+"/"+file] = text
				}
				data, _ := tree.File(path)
				if !bytes.Contains(data, []byte("  name: "+c.Name)) {
					t.Errorf("%s does not hold %s", path, c.Name)
				}
			}
		}
	}
	return all
}

func decodeCard(t *testing.T, text string) *a2a.AgentCard {
	t.Helper()
	var card a2a.AgentCard
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&card); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &card
}

// canonical is RFC 8785 without the library that the product uses: encoding/json sorts keys, and in ASCII without numbers there
// is nothing else to it.
func canonical(t *testing.T, text string) []byte {
	t.Helper()
	var card map[string]any
	if err := json.Unmarshal([]byte(text), &card); err != nil {
		t.Fatal(err)
	}
	delete(card, "signatures")
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(card); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// verifyJWS is RFC 7515 and 7518 by the standard library alone.
func verifyJWS(t *testing.T, public crypto.PublicKey, s a2a.AgentCardSignature, payload []byte) bool {
	t.Helper()
	signature, err := base64.RawURLEncoding.DecodeString(s.Signature)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(s.Protected + "." + base64.RawURLEncoding.EncodeToString(payload)))
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return len(signature) == 64 && ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}
