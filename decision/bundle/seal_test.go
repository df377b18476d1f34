package bundle

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// jwt signs a payload by ES256.
func jwt(t testing.TB, key *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64(signature[:])
}

// listing is the payload of a seal: every file but those left out.
func listing(t testing.TB, files map[string][]byte, without ...string) map[string]any {
	t.Helper()
	var list []any
	for name, data := range files {
		if len(without) > 0 && name == without[0] {
			continue
		}
		sum, err := digest(name, data)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, map[string]any{"name": name, "hash": sum, "algorithm": "SHA-256"})
	}
	return map[string]any{"files": list, "keyid": "publisher"}
}

func text(t testing.TB, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func signatures(tokens ...string) []byte {
	return []byte(`{"signatures": ["` + strings.Join(tokens, `", "`) + `"]}`)
}

const header = `{"alg":"ES256","typ":"JWT","kid":"publisher"}`

// TestVerify: the seal that the publisher makes is taken, and whatever is near it is not. Several cases are what OPA's advisories were about: a
// signature without a key's id, a delta beside a good signature, a second file of signatures.
func TestVerify(t *testing.T) {
	key, other := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	keys := Keys{"publisher": &key.PublicKey}
	files := map[string][]byte{
		".manifest":             []byte(strings.Replace(manifest, `"sequence": 0`, `"sequence": 3`, 1)),
		"agentc/data.json":      []byte(`{"a": {"b": [1, 2.50]}}`),
		"agentc/core.rego":      []byte("package agentc\n"),
		"forests/detect.json":   []byte(`{}`),
		"reviewers/soc/x.rego":  []byte("package reviewers.soc\n"),
		"reviewers/data.json/x": []byte("a file in a folder called as one"),
	}
	good := jwt(t, key, header, text(t, listing(t, files)))
	hmacOf := func(header string) string {
		input := b64([]byte(header)) + "." + strings.Split(good, ".")[1]
		public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(input))
		return input + "." + b64(mac.Sum(nil))
	}
	twice := listing(t, files)
	twice["files"] = append(twice["files"].([]any), twice["files"].([]any)[0])
	more := listing(t, files)
	more["files"] = append(more["files"].([]any), map[string]any{"name": "gone.rego", "hash": "00", "algorithm": "SHA-256"})
	weak := listing(t, files)
	weak["files"].([]any)[0].(map[string]any)["algorithm"] = "MD5"
	scoped := listing(t, files)
	scoped["scope"] = "write"
	foreign := listing(t, files)
	foreign["keyid"] = "other"
	parts := strings.Split(good, ".")

	for name, c := range map[string]struct {
		change map[string]string // files; "" takes one away
		want   string            // empty: it is taken
	}{
		"the publisher's seal":            {nil, ""},
		"data in another order":           {map[string]string{"agentc/data.json": "{\"a\":\n{\"b\":[1,2.50]}}"}, ""},
		"no seal":                         {map[string]string{signaturesFile: ""}, "there is none"},
		"an empty list":                   {map[string]string{signaturesFile: `{"signatures": []}`}, "there are 0"},
		"two seals":                       {map[string]string{signaturesFile: string(signatures(good, good))}, "there are 2"},
		"something beside the seal":       {map[string]string{signaturesFile: `{"signatures": ["` + good + `"], "plugin": "none"}`}, "unknown field"},
		"the list twice":                  {map[string]string{signaturesFile: `{"signatures": ["` + good + `"], "signatures": ["x"]}`}, "duplicate"},
		"a changed byte":                  {map[string]string{"agentc/core.rego": "package agentC\n"}, "not about agentc/core.rego as it is"},
		"changed data":                    {map[string]string{"agentc/data.json": `{"a": {"b": [1, 2.51]}}`}, "not about agentc/data.json"},
		"data with two meanings":          {map[string]string{"agentc/data.json": `{"a": {"c": 1}, "a": {"b": [1, 2.50]}}`}, "duplicate"},
		"a changed sequence":              {map[string]string{".manifest": strings.Replace(manifest, `"sequence": 0`, `"sequence": 4`, 1)}, "not about .manifest"},
		"a file more":                     {map[string]string{"agentc/more.rego": "package agentc\n"}, "not about agentc/more.rego"},
		"a file less":                     {map[string]string{"agentc/core.rego": ""}, "about agentc/core.rego, which is not here"},
		"a second file of signatures":     {map[string]string{"agentc/.signatures.json": string(signatures(good))}, "made to go around"},
		"a file that OPA once passed":     {map[string]string{"reviewers/xsignatures.json": `{"allow": true}`}, "made to go around"},
		"a delta":                         {map[string]string{"patch.json": `{"data": []}`}, "made to go around"},
		"another key":                     {map[string]string{signaturesFile: string(signatures(jwt(t, other, header, text(t, listing(t, files)))))}, "not one of the key publisher"},
		"another key's id":                {map[string]string{signaturesFile: string(signatures(jwt(t, key, strings.Replace(header, "publisher", "p2", 1), text(t, foreign))))}, `by the key "p2"; known are publisher`},
		"no key's id":                     {map[string]string{signaturesFile: string(signatures(jwt(t, key, `{"alg":"ES256","typ":"JWT"}`, text(t, listing(t, files)))))}, `by the key ""`},
		"another id in the payload":       {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, foreign))))}, `says that it is by "other"`},
		"the public key as a secret":      {map[string]string{signaturesFile: string(signatures(hmacOf(`{"alg":"HS256","typ":"JWT","kid":"publisher"}`)))}, "is for ES256"},
		"no algorithm":                    {map[string]string{signaturesFile: string(signatures(hmacOf(`{"alg":"none","typ":"JWT","kid":"publisher"}`)))}, "is for ES256"},
		"another algorithm":               {map[string]string{signaturesFile: string(signatures(hmacOf(`{"alg":"RS256","typ":"JWT","kid":"publisher"}`)))}, "is for ES256"},
		"critical in the header":          {map[string]string{signaturesFile: string(signatures(jwt(t, key, `{"alg":"ES256","typ":"JWT","kid":"publisher","crit":["x"]}`, text(t, listing(t, files)))))}, "unknown field"},
		"a seal of part of the files":     {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, listing(t, files, "agentc/core.rego")))))}, "not about agentc/core.rego"},
		"a file listed twice":             {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, twice))))}, "twice"},
		"a file that is not here":         {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, more))))}, "about gone.rego, which is not here"},
		"another digest":                  {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, weak))))}, `by "MD5"`},
		"a scope":                         {map[string]string{signaturesFile: string(signatures(jwt(t, key, header, text(t, scoped))))}, "unknown field"},
		"no signature":                    {map[string]string{signaturesFile: string(signatures(parts[0] + "." + parts[1] + "."))}, "not one of the key publisher"},
		"a signature in another spelling": {map[string]string{signaturesFile: string(signatures(good + "="))}, "it is no JWT"},
		"two parts":                       {map[string]string{signaturesFile: string(signatures(parts[0] + "." + parts[1]))}, "it is no JWT"},
	} {
		all := maps.Clone(files)
		all[signaturesFile] = signatures(good)
		for file, text := range c.change {
			if all[file] = []byte(text); text == "" {
				delete(all, file)
			}
		}
		b, err := Of(all)
		if err != nil {
			t.Fatal(name, err)
		}
		if !b.Sealed() {
			t.Errorf("%s: it is not called sealed", name)
		}
		err = b.Verify(keys)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestReadKeys: what is no key for seals is refused by name.
func TestReadKeys(t *testing.T) {
	pemOf := func(kind string, key crypto.PublicKey) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p256 := ecKey(t, elliptic.P256())
	good := pemOf("PUBLIC KEY", &p256.PublicKey)
	for name, c := range map[string]struct{ text, want string }{
		"good":          {good, ""},
		"two":           {good + good, "not one PUBLIC KEY"},
		"text":          {"no key", "not one PUBLIC KEY"},
		"another kind":  {pemOf("CERTIFICATE", &p256.PublicKey), "not one PUBLIC KEY"},
		"another curve": {pemOf("PUBLIC KEY", &ecKey(t, elliptic.P384()).PublicKey), "none that seals"},
		"a small one":   {pemOf("PUBLIC KEY", &small.PublicKey), "none that seals"},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "publisher.pem"), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := ReadKeys(folder)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || err == nil && keys["publisher"] == nil {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	if _, err := ReadKeys(t.TempDir()); err == nil {
		t.Error("an empty folder is taken for keys")
	}
}
