package seal_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/compiler"
	"agentc/compiler/lock"
	"agentc/compiler/seal"

	"github.com/google/go-cmp/cmp"
)

// TestSequence: a seal is kept as long as it holds; every other content and every renewal counts one up, a reverted spec too.
func TestSequence(t *testing.T) {
	key, next := newKey(t, seal.ES256), newKey(t, seal.RS256)
	first, second := listed(t, "first", key), listed(t, "second", next)
	both := "{trust: key, keys: [" + first + ", " + second + "]}"
	a, b, c := compile(t, same, both), compile(t, tagged, both), compile(t, politer, both)
	withdrawn := compile(t, same, "{trust: key, keys: ["+second+"]}")
	var old *lock.Seals
	for i, step := range []struct {
		why      string
		out      *compiler.Output
		after    time.Duration
		o        seal.Options
		sequence int64
		key      string
		days     int // of its life, counted from noon
	}{
		{"first", a, 0, at(noon, key), 1, "first", 90},
		{"again", a, 0, at(noon, key), 1, "first", 90},
		{"later", a, 29 * day, at(noon, key), 1, "first", 90},
		{"a third of its life later", a, 30*day + time.Second, at(noon, key), 2, "first", 120},
		{"another content", b, 31 * day, at(noon, key), 3, "first", 121},
		{"back", a, 31 * day, at(noon, key), 4, "first", 121},
		{"a card alone", c, 31 * day, at(noon, key), 4, "first", 121},
		{"another key at hand, both listed", a, 32 * day, at(noon, next), 5, "second", 122},
		{"two keys at hand, another content", b, 32 * day, at(noon, next, key), 6, "second", 122},
		{"the clock of another machine", b, 32*day - 30*time.Minute, at(noon, next), 6, "second", 122},
		{"a shorter life", b, 32 * day, seal.Options{Keys: []*seal.Key{next}, Now: noon, Life: 10 * day}, 7, "second", 42},
		{"its key withdrawn", withdrawn, 32 * day, at(noon, next), 8, "second", 122},
	} {
		step.o.Now = step.o.Now.Add(step.after)
		r := apply(t, step.out, old, step.o)
		got := r.Seals.Bundles["env-0"]
		end := noon.Add(time.Duration(step.days) * day).Format(time.DateOnly)
		if got.Sequence != step.sequence || got.Key != step.key || !strings.HasPrefix(got.NotAfter, end) {
			t.Errorf("%d %s: sequence %d by %s until %s, want %d by %s until %s", i, step.why, got.Sequence, got.Key, got.NotAfter, step.sequence, step.key, end)
		}
		kept := old != nil && old.Bundles["env-0"] == got
		if kept == strings.Contains(strings.Join(r.New, "\n"), "bundle") {
			t.Errorf("%d %s: kept is %t, new are %v", i, step.why, kept, r.New)
		}
		old = r.Seals
	}
}

// TestWithoutKey: seals that hold stay, whatever the time; what changed is as it was compiled, and the count goes on.
func TestWithoutKey(t *testing.T) {
	key := newKey(t, seal.ES256)
	bundle := "{trust: git, keys: [" + listed(t, "publisher", key) + "]}"
	a, b := compile(t, same, bundle), compile(t, tagged, bundle)
	sealed := apply(t, a, nil, at(noon, key))
	for name, o := range map[string]seal.Options{
		"no time":                  {},
		"when it is to be renewed": at(noon.Add(80 * day)),
		"a key that is not listed": at(noon.Add(80*day), newKey(t, seal.ES256)),
	} {
		r := apply(t, a, sealed.Seals, o)
		if d := cmp.Diff(contents(sealed.Tree), contents(r.Tree)); d != "" || r.New != nil {
			t.Errorf("%s: not kept: %v\n%s", name, r.New, d)
		}
	}
	for name, r := range map[string]*seal.Result{
		"another content": apply(t, b, sealed.Seals, seal.Options{}),
		"expired":         apply(t, a, sealed.Seals, at(noon.Add(90*day))),
	} {
		if len(r.Seals.Bundles) != 0 || r.Seals.Sequences["env-0"] != 1 {
			t.Errorf("%s: %+v", name, r.Seals)
		}
		for path, data := range contents(r.Tree) {
			if _, signed := r.Tree.File("env-0/bundle/.signatures.json"); signed || strings.Contains(path, ".manifest") && !strings.Contains(data, `"sequence": 0`) {
				t.Errorf("%s: %s is sealed", name, path)
			}
		}
		again := apply(t, a, r.Seals, seal.Options{})
		if again.Seals.Sequences["env-0"] != 1 {
			t.Errorf("%s: the count is forgotten", name)
		}
		if got := apply(t, b, again.Seals, at(noon, key)).Seals; got.Bundles["env-0"].Sequence != 2 || len(got.Sequences) != 0 {
			t.Errorf("%s, then sealed: %+v", name, got)
		}
	}
	unlisted := apply(t, compile(t, same, "{trust: git}"), nil, at(noon, key))
	if _, there := unlisted.Tree.File(lock.SealName); there || !unlisted.Seals.Empty() {
		t.Error("an environment without keys is sealed")
	}
}

// TestReproduced: compiled files and seals give the published files, byte for byte, without a key or a clock; and the tree that
// was compiled is as it was.
func TestReproduced(t *testing.T) {
	key, other := newKey(t, seal.ES256), newKey(t, seal.RS256)
	out := compile(t, same,
		"{trust: key, keys: ["+listed(t, "b", other)+", "+listed(t, "a", key)+"]}",
		"{trust: key, endpoint: store, path: /b.tar.gz, keys: ["+listed(t, "c", other)+"]}",
		"{trust: git}")
	before := contents(out.Tree)
	r := apply(t, out, nil, at(noon, key, other))
	published := contents(r.Tree)
	if d := cmp.Diff(published, contents(apply(t, out, nil, at(noon, key, other)).Tree)); d != "" {
		t.Errorf("sealed again from nothing: %s", d)
	}
	data, err := r.Seals.Bytes()
	if err != nil || published[lock.SealName] != string(data) {
		t.Error("the seals are not in the tree", err)
	}
	read, err := lock.ParseSeals(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r.Seals, read); d != "" {
		t.Error(d)
	}
	for name, o := range map[string]seal.Options{"neither key nor clock": {}, "keys": at(noon, key, other), "the keys in another order": at(noon, other, key)} {
		if d := cmp.Diff(published, contents(apply(t, out, read, o).Tree)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := cmp.Diff(before, contents(out.Tree)); d != "" {
		t.Errorf("the compiled tree changed: %s", d)
	}
	changed := map[string]string{}
	for path, data := range published {
		if path != lock.SealName && before[path] != data {
			changed[path] = lock.Digest([]byte(data))
		}
	}
	if d := cmp.Diff(changed, r.Seals.Files); d != "" {
		t.Error(d)
	}
	want := []string{
		"env-0/bundle/.manifest", "env-0/bundle/.signatures.json", "env-0/manifests/demo-greeter/greeter.yaml", "env-0/manifests/demo-hello/hello.yaml", "env-0/manifests/demo-system/bundle.yaml",
		"env-1/bundle.tar.gz", "env-1/bundle/.manifest", "env-1/bundle/.signatures.json", "env-1/manifests/demo-greeter/greeter.yaml", "env-1/manifests/demo-hello/hello.yaml",
	}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(r.Seals.Files))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{
		"env-0 bundle, sequence 1", "env-0 card greeter/agent-card.json", "env-0 card greeter/skills.welcome.agent-card.json", "env-0 card hello/agent-card.json", "env-0 card hello/skills.greet.agent-card.json",
		"env-1 bundle, sequence 1", "env-1 card greeter/agent-card.json", "env-1 card greeter/skills.welcome.agent-card.json", "env-1 card hello/agent-card.json", "env-1 card hello/skills.greet.agent-card.json",
	}, r.New); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("a", r.Seals.Bundles["env-0"].Key); d != "" {
		t.Error(d)
	}
}

// TestKeyMissing: an environment that loads sealed bundles only says which keys would do.
func TestKeyMissing(t *testing.T) {
	key, wrong := newKey(t, seal.ES256), newKey(t, seal.ES256)
	out := compile(t, same, "{trust: key, keys: ["+listed(t, "publisher-b", key)+", "+listed(t, "publisher-a", newKey(t, seal.RS256))+"]}")
	_, err := seal.Apply(out.Fleet.Environments, out.Tree, nil, at(noon, wrong))
	fingerprint, _ := wrong.Fingerprint()
	var missing *seal.KeyError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"env-0", "publisher-a, publisher-b", "sha256:" + fingerprint} {
		if !strings.Contains(missing.Reason, word) {
			t.Errorf("%q does not say %q", missing.Reason, word)
		}
	}
}

// TestHostileSeals: no seal is kept that was not made for exactly this bundle by a key that is listed here.
func TestHostileSeals(t *testing.T) {
	key, other := newKey(t, seal.ES256), newKey(t, seal.ES256)
	keys := "keys: [" + listed(t, "publisher", key) + ", " + listed(t, "second", other) + "]}"
	out := compile(t, same, "{trust: git, "+keys, "{trust: git, keys: ["+listed(t, "publisher", other)+"]}")
	changed := compile(t, tagged, "{trust: git, "+keys, "{trust: git}")
	good := apply(t, out, nil, at(noon, key, other)).Seals
	later := apply(t, changed, good, at(noon, key)).Seals.Bundles["env-0"]
	for name, change := range map[string]func(s *lock.BundleSeal){
		"another sequence":           func(s *lock.BundleSeal) { s.Sequence = 9 },
		"another end":                func(s *lock.BundleSeal) { s.NotAfter = "2099-01-01T00:00:00Z" },
		"no end":                     func(s *lock.BundleSeal) { s.NotAfter = "" },
		"another zone":               func(s *lock.BundleSeal) { s.NotAfter = "2027-05-30T14:00:00+02:00" },
		"parts of seconds":           func(s *lock.BundleSeal) { s.NotAfter = "2027-05-30T12:00:00.0Z" },
		"another key that is listed": func(s *lock.BundleSeal) { s.Key = "second" },
		"a key that is not listed":   func(s *lock.BundleSeal) { s.Key = "third" },
		"no key":                     func(s *lock.BundleSeal) { s.Key = "" },
		"another revision":           func(s *lock.BundleSeal) { s.Revision = later.Revision },
		"a seal of another content":  func(s *lock.BundleSeal) { *s = later; s.Revision = good.Bundles["env-0"].Revision },
		"no signature":               func(s *lock.BundleSeal) { s.Signature = "" },
		"a JWT of algorithm none": func(s *lock.BundleSeal) {
			s.Signature = "eyJhbGciOiJub25lIn0." + strings.Split(s.Signature, ".")[1] + "."
		},
		"a signature cut short":       func(s *lock.BundleSeal) { s.Signature = s.Signature[:len(s.Signature)-1] },
		"a line end in the signature": func(s *lock.BundleSeal) { s.Signature += "\n" },
		"another signature":           func(s *lock.BundleSeal) { s.Signature = string(flip([]byte(s.Signature))) },
		"the seal of env-1":           func(s *lock.BundleSeal) { *s = good.Bundles["env-1"]; s.Key = "second" },
	} {
		s := good.Bundles["env-0"]
		change(&s)
		old := lock.NewSeals("demo")
		old.Bundles["env-0"] = s
		for _, o := range []seal.Options{{}, at(noon), at(noon, key)} {
			r := apply(t, out, old, o)
			if kept := r.Seals.Bundles["env-0"]; kept == s || len(o.Keys) == 0 && len(r.Seals.Bundles) > 0 {
				t.Errorf("%s: kept %+v", name, kept)
			}
		}
	}
	old := lock.NewSeals("demo")
	old.Bundles["env-0"], old.Sequences["env-0"] = good.Bundles["env-0"], 5
	if r := apply(t, out, old, at(noon, key)); r.Seals.Bundles["env-0"].Sequence != 6 {
		t.Errorf("a seal older than the last one is kept: %+v", r.Seals.Bundles["env-0"])
	}
	for name, change := range map[string]func(c *lock.CardSeal){
		"another digest":             func(c *lock.CardSeal) { c.Digest = lock.Digest(nil) },
		"another key that is listed": func(c *lock.CardSeal) { c.Key = "second" },
		"no key":                     func(c *lock.CardSeal) { c.Key = "" },
		"no header":                  func(c *lock.CardSeal) { c.Protected = "" },
		"another header":             func(c *lock.CardSeal) { c.Protected = "eyJhbGciOiJub25lIn0" },
		"no signature":               func(c *lock.CardSeal) { c.Signature = "" },
		"another signature":          func(c *lock.CardSeal) { c.Signature = string(flip([]byte(c.Signature))) },
		"the other agent's":          func(c *lock.CardSeal) { *c = good.Cards["env-0/greeter/agent-card.json"] },
	} {
		c := good.Cards["env-0/hello/agent-card.json"]
		change(&c)
		old := lock.NewSeals("demo")
		old.Cards["env-0/hello/agent-card.json"] = c
		if r := apply(t, out, old, seal.Options{}); len(r.Seals.Cards) > 0 || len(r.Seals.Files) > 0 {
			t.Errorf("card with %s: kept %+v", name, r.Seals.Cards)
		}
		if r := apply(t, out, old, at(noon, key)); r.Seals.Cards["env-0/hello/agent-card.json"] != good.Cards["env-0/hello/agent-card.json"] {
			t.Errorf("card with %s: not signed again", name)
		}
	}
}

// TestSequenceEnd: nothing is signed that the next run would not read.
func TestSequenceEnd(t *testing.T) {
	key := newKey(t, seal.ES256)
	out := compile(t, same, "{trust: key, keys: ["+listed(t, "publisher", key)+"]}")
	old := lock.NewSeals("demo")
	old.Sequences["env-0"] = seal.MaxSequence - 1
	last := apply(t, out, old, at(noon, key))
	if got := last.Seals.Bundles["env-0"].Sequence; got != seal.MaxSequence {
		t.Errorf("sequence %d, want the last one", got)
	}
	if again := apply(t, out, last.Seals, at(noon, key)); again.New != nil {
		t.Errorf("the last one is not kept: %v", again.New)
	}
	_, err := seal.Apply(out.Fleet.Environments, out.Tree, last.Seals, at(noon.Add(80*day), key))
	var bad *lock.Error
	if !errors.As(err, &bad) || !strings.Contains(bad.Reason, "env-0") {
		t.Errorf("one more than the last one: %v", err)
	}
}

// TestMinSequence: a branch that knows nothing of what was sealed elsewhere starts behind it.
func TestMinSequence(t *testing.T) {
	key := newKey(t, seal.ES256)
	out := compile(t, same, "{trust: git, keys: ["+listed(t, "publisher", key)+"]}")
	var old *lock.Seals
	for i, step := range []struct {
		least, want int64
		sealed      bool
	}{{0, 1, true}, {1, 1, false}, {-5, 1, false}, {7, 7, true}, {7, 7, false}, {3, 7, false}, {8, 8, true}, {seal.MaxSequence, seal.MaxSequence, true}} {
		o := at(noon, key)
		o.MinSequence = step.least
		r := apply(t, out, old, o)
		if got := r.Seals.Bundles["env-0"].Sequence; got != step.want || step.sealed != strings.Contains(strings.Join(r.New, "\n"), "bundle") {
			t.Errorf("%d: at least %d: sequence %d, want %d; new are %v", i, step.least, got, step.want, r.New)
		}
		old = r.Seals
	}
	low := apply(t, out, nil, at(noon, key)).Seals
	if r := apply(t, out, low, seal.Options{MinSequence: 2}); len(r.Seals.Bundles) != 0 || r.Seals.Sequences["env-0"] != 1 {
		t.Errorf("a seal below is kept without a key: %+v", r.Seals.Bundles)
	}
}

// TestBounds: a life or a sequence that no seal can have is refused, and the longest life holds.
func TestBounds(t *testing.T) {
	key := newKey(t, seal.ES256)
	out := compile(t, same, "{trust: git, keys: ["+listed(t, "publisher", key)+"]}")
	longest := seal.Options{Keys: []*seal.Key{key}, Now: noon, Life: 43_800 * time.Hour}
	r := apply(t, out, nil, longest)
	if again := apply(t, out, r.Seals, longest); again.New != nil {
		t.Errorf("the longest life is not kept: %v", again.New)
	}
	for name, change := range map[string]func(*seal.Options){
		"longer":         func(o *seal.Options) { o.Life += time.Second },
		"absurd":         func(o *seal.Options) { o.Life = 1<<63 - 1 },
		"no life":        func(o *seal.Options) { o.Life = 0 },
		"a far sequence": func(o *seal.Options) { o.MinSequence = seal.MaxSequence + 1 },
	} {
		o := longest
		change(&o)
		if _, err := seal.Apply(out.Fleet.Environments, out.Tree, nil, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSequenceNonsense: a count that no seal can have reached is damage, and damage is not counted on from.
func TestSequenceNonsense(t *testing.T) {
	out := compile(t, same, "{trust: git}")
	for _, sequence := range []int64{0, -1, 1 << 53, 1<<63 - 1, -1 << 63} {
		for _, place := range []func(*lock.Seals){
			func(s *lock.Seals) { s.Bundles["env-0"] = lock.BundleSeal{Sequence: sequence} },
			func(s *lock.Seals) { s.Sequences["gone"] = sequence },
		} {
			old := lock.NewSeals("demo")
			place(old)
			_, err := seal.Apply(out.Fleet.Environments, out.Tree, old, seal.Options{})
			var bad *lock.Error
			if !errors.As(err, &bad) || !strings.Contains(bad.Reason, lock.SealName) {
				t.Errorf("sequence %d: %v", sequence, err)
			}
		}
	}
}
