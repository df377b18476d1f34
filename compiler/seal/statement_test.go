package seal_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/seal"
	"agentc/schema"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
)

var (
	lockText = []byte("{\"lock\": 1}\n")
	sealText = []byte("{\"seals\": 1}\n")
	from     = seal.Provenance{
		Repository: "https://git.soc.example/soc/agents.git",
		Commit:     "0123456789abcdef0123456789abcdef01234567",
		Compiler:   "0.3.0",
		Verified:   "judge 0.1.0",
	}
)

// listing is what the Platform says of a key.
func listing(t testing.TB, id string, key *seal.Key) schema.PublicKey {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	return schema.PublicKey{ID: id, Key: text}
}

// statement of environments, signed by a key that is listed as main.
func statement(t testing.TB, p seal.Provenance, key *seal.Key, envs ...string) []byte {
	t.Helper()
	data, err := seal.NewStatement(lockText, sealText, envs, p, []*seal.Key{key}, [][]schema.PublicKey{{listing(t, "main", key)}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func payload(t testing.TB, data []byte) string {
	t.Helper()
	e := &dsse.Envelope{}
	if err := json.Unmarshal(data, e); err != nil {
		t.Fatal(err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// signatures are the ids of the keys that signed, in order.
func signatures(t testing.TB, data []byte) []string {
	t.Helper()
	e := &dsse.Envelope{}
	if err := json.Unmarshal(data, e); err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, s := range e.Signatures {
		by = append(by, s.KeyID)
	}
	return by
}

// signed puts any payload into an envelope as agentc would write it.
func signed(t testing.TB, body string, key *seal.Key) []byte {
	t.Helper()
	sum := sha256.Sum256(dsse.PAE("application/vnd.in-toto+json", []byte(body)))
	signature, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	e := dsse.Envelope{
		PayloadType: "application/vnd.in-toto+json",
		Payload:     base64.StdEncoding.EncodeToString([]byte(body)),
		Signatures:  []dsse.Signature{{KeyID: "main", Sig: base64.StdEncoding.EncodeToString(signature)}},
	}
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func TestStatement(t *testing.T) {
	ec, rsa, other := newKey(t, seal.ES256), newKey(t, seal.RS256), newKey(t, seal.ES256)
	for name, test := range map[string]struct {
		own    []*seal.Key
		listed [][]schema.PublicKey
		by     []string // ids; none: unsigned
	}{
		"ES256":                 {[]*seal.Key{ec}, [][]schema.PublicKey{{listing(t, "main", ec)}}, []string{"main"}},
		"RS256":                 {[]*seal.Key{rsa}, [][]schema.PublicKey{{listing(t, "main", rsa)}}, []string{"main"}},
		"the one that fits":     {[]*seal.Key{other, ec}, [][]schema.PublicKey{{listing(t, "old", rsa), listing(t, "new", ec)}}, []string{"new"}},
		"two keys, one id":      {[]*seal.Key{ec}, [][]schema.PublicKey{{listing(t, "main", rsa), listing(t, "main", ec)}}, []string{"main"}},
		"two environments":      {[]*seal.Key{ec, rsa}, [][]schema.PublicKey{{listing(t, "p2", ec)}, {listing(t, "p1", rsa)}}, []string{"p1", "p2"}},
		"two keys of one id":    {[]*seal.Key{ec, rsa}, [][]schema.PublicKey{{listing(t, "main", rsa)}, {listing(t, "main", ec)}}, []string{"main", "main"}},
		"one key of two ids":    {[]*seal.Key{ec, ec}, [][]schema.PublicKey{{listing(t, "b", ec)}, {listing(t, "a", ec)}}, []string{"a"}},
		"one key for all":       {[]*seal.Key{ec}, [][]schema.PublicKey{{listing(t, "main", ec), listing(t, "old", rsa)}, {listing(t, "main", ec)}}, []string{"main"}},
		"one wants no key":      {[]*seal.Key{ec}, [][]schema.PublicKey{nil, {listing(t, "main", ec)}, nil}, []string{"main"}},
		"none of two wants one": {[]*seal.Key{ec}, [][]schema.PublicKey{nil, {}}, nil},
		"no key, none is asked": {nil, nil, nil},
		"none is asked":         {[]*seal.Key{ec}, nil, nil},
	} {
		for _, sealData := range [][]byte{nil, sealText} {
			data, err := seal.NewStatement(lockText, sealData, []string{"prod", "dev", "prod"}, from, test.own, test.listed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := seal.VerifyStatement(data, lockText, sealData, test.listed)
			if diff := cmp.Diff(from, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			if got, err := seal.ReadStatement(data); err != nil || got != from {
				t.Errorf("%s: %+v %v", name, got, err)
			}
			if diff := cmp.Diff(test.by, signatures(t, data)); diff != "" {
				t.Errorf("%s: signed by (-want +got):\n%s", name, diff)
			}
		}
	}
}

// A newer agentc may say more; what it says of the commit is read all the same.
func TestReadStatement(t *testing.T) {
	key := newKey(t, seal.ES256)
	text := payload(t, statement(t, from, key, "prod"))
	more := signed(t, strings.Replace(text, "{", `{"more": [1],`, 1), key)
	if got, err := seal.ReadStatement(bytes.Replace(more, []byte("{"), []byte(`{"more": 1,`), 1)); err != nil || got != from {
		t.Errorf("%+v %v", got, err)
	}
	for name, data := range map[string][]byte{
		"nothing":           nil,
		"no envelope":       []byte("[]"),
		"another envelope":  bytes.Replace(more, []byte("in-toto"), []byte("x"), 1),
		"no statement":      signed(t, "{}", key),
		"another build":     signed(t, strings.Replace(text, "publish:v1", "publish:v2", 1), key),
		"no commit":         signed(t, strings.Replace(text, from.Commit, "main", 1), key),
		"too long":          append(bytes.Clone(more), bytes.Repeat([]byte(" "), 1<<20)...),
		"broken signature":  bytes.Replace(more, []byte(`"sig": "`), []byte(`"sig": "!`), 1),
		"text in its place": bytes.Replace(more, []byte(`"payload": "`), []byte(`"payload": "no base64 `), 1),
	} {
		if got, err := seal.ReadStatement(data); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What is said, word for word, so that a reader of another vendor's can be held against it.
func TestStatementText(t *testing.T) {
	const want = `{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {
      "name": "agentc.lock.json",
      "digest": {
        "sha256": "f71327a34493d0c79a54968ab36d46939969cd63087388ffe6139711e3d1ddcd"
      }
    },
    {
      "name": "agentc.seal.json",
      "digest": {
        "sha256": "7026a83c216652e9b290ea7cc869ced93332a011849aa6234bac701116b17cc6"
      }
    }
  ],
  "predicateType": "https://slsa.dev/provenance/v1",
  "predicate": {
    "buildDefinition": {
      "buildType": "urn:agents.d:publish:v1",
      "externalParameters": {
        "repository": "https://git.soc.example/soc/agents.git",
        "environments": [
          "dev",
          "prod"
        ]
      },
      "resolvedDependencies": [
        {
          "uri": "git+https://git.soc.example/soc/agents.git",
          "digest": {
            "gitCommit": "0123456789abcdef0123456789abcdef01234567"
          }
        }
      ]
    },
    "runDetails": {
      "builder": {
        "id": "urn:agents.d:agentc",
        "version": {
          "agentc": "0.3.0"
        }
      },
      "agentc_verified": "judge 0.1.0"
    }
  }
}
`
	if diff := cmp.Diff(want, payload(t, statement(t, from, newKey(t, seal.ES256), "prod", "dev"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStatementOfTheSameIsTheSame(t *testing.T) {
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		_, text, err := seal.NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("SEAL_KEY", string(text))
		var statements [2][]byte
		for i := range statements {
			key, err := seal.LoadKey("env:SEAL_KEY")
			if err != nil {
				t.Fatal(err)
			}
			statements[i] = statement(t, from, key, "prod")
		}
		if diff := cmp.Diff(statements[0], statements[1]); diff != "" {
			t.Errorf("%s (-first +second):\n%s", algorithm, diff)
		}
	}
}

// The library of the people who wrote DSSE verifies what we write.
func TestStatementForOthers(t *testing.T) {
	key := newKey(t, seal.ES256)
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	public, err := signerverifier.LoadKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	public.KeyID = "main"
	theirs, err := signerverifier.NewECDSASignerVerifierFromSSLibKey(public)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := dsse.NewEnvelopeVerifier(theirs)
	if err != nil {
		t.Fatal(err)
	}
	e := &dsse.Envelope{}
	if err := json.Unmarshal(statement(t, from, key, "prod"), e); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(context.Background(), e); err != nil {
		t.Error(err)
	}
}

func TestStatementRepository(t *testing.T) {
	key := newKey(t, seal.ES256)
	listed := [][]schema.PublicKey{{listing(t, "main", key)}}
	for repository, uri := range map[string]string{
		"https://git.soc.example/soc.git":       `"uri": "git+https://git.soc.example/soc.git"`,
		"ssh://git@git.soc.example/soc.git":     `"uri": "git+ssh://git@git.soc.example/soc.git"`,
		"git+ssh://git@git.soc.example/soc.git": `"uri": "git+ssh://git@git.soc.example/soc.git"`,
		"git@git.soc.example:soc/agents.git":    `"uri": "git+ssh://git@git.soc.example/soc/agents.git"`,
		"/srv/git/a:b c.git":                    `"uri": "git+file:///srv/git/a:b%20c.git"`,
		"":                                      "",
	} {
		p := from
		p.Repository = repository
		data := statement(t, p, key, "prod")
		text := payload(t, data)
		if uri == "" && strings.Contains(text, `"uri"`) || !strings.Contains(text, uri) {
			t.Errorf("%q: want %s in\n%s", repository, uri, text)
		}
		if got, err := seal.VerifyStatement(data, lockText, sealText, listed); err != nil || got != p {
			t.Errorf("%q: %+v %v", repository, got, err)
		}
	}
}

func TestStatementRefused(t *testing.T) {
	key, other := newKey(t, seal.ES256), newKey(t, seal.ES256)
	listed := [][]schema.PublicKey{{listing(t, "second", other), listing(t, "main", key)}}
	unsigned, err := seal.NewStatement(lockText, sealText, []string{"prod"}, from, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := statement(t, from, key, "prod")
	text := payload(t, good)
	edit := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the envelope", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	var e dsse.Envelope
	if err := json.Unmarshal(good, &e); err != nil {
		t.Fatal(err)
	}
	e.Signatures = append(e.Signatures, e.Signatures[0])
	twice, err := artifact.JSON(e)
	if err != nil {
		t.Fatal(err)
	}
	say := func(old, new string) []byte {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the payload", old)
		}
		return signed(t, strings.Replace(text, old, new, 1), key)
	}
	if _, err := seal.VerifyStatement(signed(t, text, key), lockText, sealText, listed); err != nil {
		t.Fatalf("the test's own envelope: %v", err)
	}
	for name, test := range map[string]struct {
		data, lock, seal []byte
		says             string
	}{
		"another lock":           {good, []byte("x"), sealText, "not about this"},
		"other seals":            {good, lockText, []byte("x"), "not about this"},
		"seals that are gone":    {good, lockText, nil, "not about this"},
		"unsigned":               {unsigned, lockText, sealText, "no signature by a key that one of its environments wants: second or main"},
		"another key, its id":    {statement(t, from, other, "prod"), lockText, sealText, "by no key"},
		"another id, its key":    {edit(`"main"`, `"second"`), lockText, sealText, "by no key"},
		"no id":                  {edit(`"main"`, `""`), lockText, sealText, "by no key"},
		"another type":           {edit("vnd.in-toto+json", "vnd.in-toto"), lockText, sealText, "of the type"},
		"something behind it":    {append(bytes.Clone(good), '\n'), lockText, sealText, "as agentc writes it"},
		"two values":             {append(bytes.Clone(good), good...), lockText, sealText, "after top-level value"},
		"an unknown field":       {edit("{\n", "{\n  \"x\": 1,\n"), lockText, sealText, "as agentc writes it"},
		"a key twice":            {edit("{\n", "{\n  \"payload\": \"\",\n"), lockText, sealText, "as agentc writes it"},
		"two signatures":         {twice, lockText, sealText, "not in its place"},
		"a break in the payload": {edit(`"payload": "`, `"payload": "\n`), lockText, sealText, "as agentc writes it"},
		"nothing":                {nil, lockText, sealText, "JSON"},
		"too long":               {bytes.Repeat([]byte(" "), 1<<20+1), lockText, sealText, "more than any of ours"},

		"signed: no statement":        {signed(t, "[]", key), lockText, sealText, "no statement"},
		"signed: another predicate":   {say("provenance/v1", "provenance/v2"), lockText, sealText, "no statement about a publication"},
		"signed: another builder":     {say("urn:agents.d:agentc", "urn:x"), lockText, sealText, "not about this"},
		"signed: an unknown field":    {say("{\n", "{\n  \"x\": 1,\n"), lockText, sealText, "not about this"},
		"signed: a third subject":     {say(`"subject": [`, `"subject": [{"digest": {}},`), lockText, sealText, "not about this"},
		"signed: one more dependency": {say(`"resolvedDependencies": [`, `"resolvedDependencies": [{"digest": {"gitCommit": "`+from.Commit+`"}},`), lockText, sealText, "not about this"},
		"signed: no dependency":       {say(`"resolvedDependencies"`, `"x"`), lockText, sealText, "40 hexadecimal"},
		"signed: a short commit":      {say(from.Commit, from.Commit[:38]), lockText, sealText, "40 hexadecimal"},
		"signed: a shouted commit":    {say(from.Commit, strings.ToUpper(from.Commit)), lockText, sealText, "40 hexadecimal"},
		"signed: environments twice":  {say(`"prod"`, "\"prod\",\n          \"prod\""), lockText, sealText, "not about this"},
		"signed: no environment":      {say(`"prod"`, ``), lockText, sealText, "no environment"},
	} {
		_, err := seal.VerifyStatement(test.data, test.lock, test.seal, listed)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, test.says)
		}
	}
	if _, err := seal.VerifyStatement(good, lockText, sealText, nil); err == nil {
		t.Error("a signature by a key that is listed no longer: accepted")
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1
		if _, err := seal.VerifyStatement(flipped, lockText, sealText, listed); err == nil {
			t.Errorf("byte %d flipped: accepted\n%s", i, flipped)
		}
	}
}

// TestStatementForEach: the key of one environment does not vouch for another one, and no signature can be added or moved.
func TestStatementForEach(t *testing.T) {
	one, two, third := newKey(t, seal.ES256), newKey(t, seal.RS256), newKey(t, seal.ES256)
	p1, p2 := listing(t, "p1", one), listing(t, "p2", two)
	both := [][]schema.PublicKey{{p2}, {p1}, nil}
	made := func(listed [][]schema.PublicKey, own ...*seal.Key) []byte {
		data, err := seal.NewStatement(lockText, sealText, []string{"dev", "prod"}, from, own, listed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	arrange := func(data []byte, order ...int) []byte {
		e, was := &dsse.Envelope{}, &dsse.Envelope{}
		if err := errors.Join(json.Unmarshal(data, e), json.Unmarshal(data, was)); err != nil {
			t.Fatal(err)
		}
		e.Signatures = nil
		for _, i := range order {
			e.Signatures = append(e.Signatures, was.Signatures[i])
		}
		data, err := artifact.JSON(e)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := made(both, one, two)
	more := made([][]schema.PublicKey{{p2}, {p1}, {listing(t, "p3", third)}}, one, two, third)
	for name, test := range map[string]struct {
		data   []byte
		listed [][]schema.PublicKey
		says   string // empty: accepted
	}{
		"as it was made":                  {good, both, ""},
		"the test's own order":            {arrange(good, 0, 1), both, ""},
		"the first environment's key":     {made(both, two), both, "wants: p1"},
		"the second environment's key":    {made(both, one), both, "wants: p2"},
		"one of two signatures left out":  {arrange(good, 1), both, "wants: p1"},
		"signed for one environment only": {made([][]schema.PublicKey{{p2}}, one, two), both, "wants: p1"},
		"the other order":                 {arrange(good, 1, 0), both, "not in its place"},
		"one twice":                       {arrange(good, 0, 1, 1), both, "not in its place"},
		"a third one that nobody lists":   {more, both, `by no key "p3"`},
		"either of two keys will do":      {made([][]schema.PublicKey{{p1, p2}}, two), [][]schema.PublicKey{{p1, p2}}, ""},
		"a key of each, one id":           {made([][]schema.PublicKey{{p1}}, one), [][]schema.PublicKey{{p1}, {listing(t, "p1", third)}}, "wants: p1"},
	} {
		_, err := seal.VerifyStatement(test.data, lockText, sealText, test.listed)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

// brokenSigner is a token that was pulled out.
type brokenSigner struct{ crypto.Signer }

var errPulled = errors.New("the token is gone")

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errPulled }

func TestStatementNotMade(t *testing.T) {
	key := newKey(t, seal.ES256)
	short := from
	short.Commit = "0123"
	own, listed := []*seal.Key{key}, [][]schema.PublicKey{{listing(t, "main", key)}}
	if _, err := seal.NewStatement(lockText, nil, []string{"prod"}, short, own, listed); err == nil {
		t.Error("a statement about no commit")
	}
	if _, err := seal.NewStatement(lockText, nil, nil, from, own, listed); err == nil {
		t.Error("a statement about no environment")
	}
	own = []*seal.Key{{Signer: brokenSigner{key.Signer}}}
	if _, err := seal.NewStatement(lockText, nil, []string{"prod"}, from, own, listed); !errors.Is(err, errPulled) {
		t.Errorf("%v, want what the token said", err)
	}
}

// FuzzVerifyStatement: whatever is accepted says what was signed.
func FuzzVerifyStatement(f *testing.F) {
	_, text, err := seal.NewKey(seal.ES256)
	if err != nil {
		f.Fatal(err)
	}
	f.Setenv("SEAL_KEY", string(text))
	key, err := seal.LoadKey("env:SEAL_KEY")
	if err != nil {
		f.Fatal(err)
	}
	listed := [][]schema.PublicKey{{listing(f, "main", key)}}
	good := statement(f, from, key, "prod")
	f.Add(good)
	f.Add(signed(f, "{}", key))
	f.Add(signed(f, strings.Replace(payload(f, good), "{", `{"_type": "",`, 1), key))
	f.Add([]byte(`{"payloadType":"","payload":"e30=","signatures":[{"keyid":"main","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := seal.VerifyStatement(data, lockText, sealText, listed)
		if err == nil && (got != from || !bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString([]byte(payload(t, good)))))) {
			t.Errorf("accepted, and says %+v:\n%s", got, data)
		}
	})
}
