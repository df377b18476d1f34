package artifact

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	sigs "sigs.k8s.io/yaml"
)

// TestMeansTheSame compares real objects with what sigs.k8s.io/yaml writes, but for the differences that yaml.go names.
func TestMeansTheSame(t *testing.T) {
	for _, object := range append(agentObjects("detect"), moreObjects("detect")...) {
		want := pruned(read(t, viaSigs(t, object))).(map[string]any)
		delete(want, "status")
		if diff := cmp.Diff(want, read(t, mustYAML(t, object))); diff != "" {
			t.Errorf("%T (-sigs +agentc):\n%s", object, diff)
		}
	}
}

type (
	inner    struct{ A, Shared string }
	other    struct{ B, Shared string }
	pointed  struct{ C int }
	hidden   struct{ D int }
	named    string
	tagWins  struct{ inner2 }
	inner2   struct{ X, Y string }
	upper    string
	onlyPtr  struct{ v string }
	zeroable struct{ v int }
	marshals struct{ fail bool }
	node     struct {
		Name  string  `json:"name"`
		Nodes []*node `json:"nodes,omitempty"`
	}
	nest []nest
)

func (u upper) MarshalText() ([]byte, error)    { return []byte(strings.ToUpper(string(u))), nil }
func (o *onlyPtr) MarshalJSON() ([]byte, error) { return json.Marshal("ptr " + o.v) }
func (z *zeroable) IsZero() bool                { return z.v == 7 }
func (z zeroable) MarshalJSON() ([]byte, error) { return json.Marshal(z.v) }
func (m marshals) MarshalJSON() ([]byte, error) {
	if m.fail {
		return nil, errors.New("will not")
	}
	return []byte(`{"z": [1, 2.50, {"y": "<&>", "n": true}, [], {}, "1e3"], "a": -0.0, "e": 1e30, "big": 123456789012345678901}`), nil
}

// TestLikeEncodingJSON covers what a struct tag or a method can ask for.
func TestLikeEncodingJSON(t *testing.T) {
	type options struct {
		Empty     string            `json:"empty,omitempty"`
		EmptyList []string          `json:"emptyList,omitempty"`
		EmptyMap  map[string]int    `json:"emptyMap,omitempty"`
		Struct    inner             `json:"struct,omitempty"`
		Zero      zeroable          `json:"zero,omitzero"`
		NotZero   zeroable          `json:"notZero,omitzero"`
		ZeroTime  metav1.Time       `json:"zeroTime,omitzero"`
		ZeroInner inner             `json:"zeroInner,omitzero"`
		Both      *int              `json:"both,omitempty,omitzero"`
		Quoted    int               `json:"quoted,string"`
		QuotedP   *bool             `json:"quotedP,string"`
		QuotedS   string            `json:"quotedS,string"`
		Dash      int               `json:"-,"`
		Skipped   int               `json:"-"`
		NoList    []string          `json:"noList"`
		Bytes     []byte            `json:"bytes"`
		Array     [2]bool           `json:"array"`
		Raw       json.RawMessage   `json:"raw"`
		Strings   map[string]string `json:"strings"`
		unseen    int
	}
	values := map[string]any{
		"options": &options{
			NotZero: zeroable{1}, Zero: zeroable{7}, EmptyList: []string{}, Dash: 3, Skipped: 4, NoList: []string{}, Quoted: 5, QuotedP: ptr(true),
			QuotedS: "q", Bytes: []byte{1, 2, 250}, Raw: json.RawMessage(`{"k":[]}`), Strings: map[string]string{}, unseen: 1,
		},
		"embedded": struct {
			inner
			other
			*pointed
			hidden
			named
			metav1.TypeMeta `json:",inline"`
			Extra           string
		}{inner: inner{"a", "lost"}, other: other{"b", "lost"}, hidden: hidden{4}, Extra: "e"},
		"embedded pointer": struct{ *Pointed }{&Pointed{3}},
		"tag wins": struct {
			tagWins
			inner2 struct{}
			Z      string `json:"X"`
		}{tagWins: tagWins{inner2{"deep", "y"}}, Z: "near"},
		"text":             map[string]any{"t": upper("abc"), "p": ptr(upper("abc"))},
		"text keys":        map[upper]int{"b": 1, "a": 2},
		"number keys":      map[int8]string{-1: "a", 10: "b", 9: "c"},
		"no address":       map[string]onlyPtr{"a": {"x"}},
		"address":          map[string]*onlyPtr{"a": {"x"}},
		"addressable item": []onlyPtr{{"x"}},
		"marshals":         map[string]any{"m": marshals{}, "list": []marshals{{}}},
		"recursive":        node{"a", []*node{{"b", nil}, {"c", []*node{{"d", nil}}}}},
		"nest":             nest{{}, {{}, {nest{}}}},
		"null items":       []any{nil, 1, (*int)(nil), []string(nil), map[string]any(nil)},
		"lists of lists":   map[string][][]int{"a": {{1, 2}, {}, {3}}},
		"floats":           []float64{0, 1, -1.5, 0.1, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, 123456789.25, 1 << 53, math.MaxFloat64, math.SmallestNonzeroFloat64},
		"floats32":         []float32{0.1, 1e-7, 16777216, math.MaxFloat32},
		"integers":         []any{int64(math.MinInt64), uint64(math.MaxUint64), int8(-1), uint16(9)},
		"numbers":          []json.Number{"12", "1.50", "-3e2", ""},
		"quantities":       []resource.Quantity{resource.MustParse("1000m"), resource.MustParse("1Gi"), resource.MustParse("3")},
		"quantity map":     map[string]resource.Quantity{"cpu": *resource.NewMilliQuantity(1500, resource.DecimalSI)},
		"int or string":    []intstr.IntOrString{intstr.FromInt32(80), intstr.FromString("80"), intstr.FromString("http")},
		"raw extension":    runtime.RawExtension{Raw: []byte(`{"b":1,"a":[{"x":1,"y":2}]}`)},
		"scalar":           "yes",
		"lines":            "a\nb\n",
		"nothing":          nil,
		"empty":            struct{}{},
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			written := mustYAML(t, value)
			if diff := cmp.Diff(pruned(read(t, viaSigs(t, value))), read(t, written)); diff != "" {
				t.Errorf("(-sigs +agentc):\n%s\n%s", diff, written)
			}
		})
	}
}

// Pointed is exported, since encoding/json does not set what is embedded by an unexported pointer.
type Pointed struct{ C int }

// TestLayout shows how it looks.
func TestLayout(t *testing.T) {
	type object struct {
		Spec            any `json:"spec"`
		Status          any `json:"status"`
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	got := mustYAML(t, object{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Thing"},
		Spec: map[string]any{
			"args":  []string{"--listen=:8443", "- x", "a: b", "say \"hi\""},
			"text":  "one\n\n  two\nthree\n",
			"none":  []int{},
			"empty": struct{}{},
			"gone":  nil,
			"lists": [][]string{{"a", "b"}, {}, nil, {"line\nline"}},
			"items": []any{map[string]any{"b": 1, "a": []int{2}}, map[string]any{"gone": nil}, "1.10"},
			"no":    map[string]string{"a.b/c": "no", "kept\n": "kept\n\n", "cut": "a\nb", "long": strings.Repeat("word ", 40) + "end"},
		},
	})
	want := `apiVersion: v1
kind: Thing
metadata: {}
spec:
  args:
  - --listen=:8443
  - "- x"
  - "a: b"
  - say "hi"
  empty: {}
  items:
  - a:
    - 2
    b: 1
  - {}
  - "1.10"
  lists:
  - - a
    - b
  - []
  - null
  - - |-
      line
      line
  "no":
    a.b/c: "no"
    cut: |-
      a
      b
    "kept\n": |+
      kept

    long: ` + strings.Repeat("word ", 40) + `end
  none: []
  text: |
    one

      two
    three
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlain(t *testing.T) {
	for _, s := range []string{
		"a", "detect", "registry.soc.example/detect:1.4.0@sha256:6b86", "10.0.0.0/8", "30s", "500m", "1Gi", "24h0m0s", "8443/TCP", "--flag",
		"a#b", "a:b", "a b", "k8s:io.kubernetes.pod.namespace", "spiffe://soc.example/ns/a", "a[0]", "has(x) && y", "it's", "zażółć", "名前", "yesterday",
		"/healthz", "25%", "$(POD_IP)", "(a)", "<none>", ";", "^a$", "nully",
	} {
		if got := string(mustYAML(t, s)); got != s+"\n" {
			t.Errorf("%q is written as %s", s, got)
		}
	}
}

func TestQuoted(t *testing.T) {
	for _, s := range []string{
		"", " ", " a", "a ", "a: b", "a:", "a #b", "#", "- a", "-", "?", "? a", ":", ": a", "a\tb", "\ta", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "'", `"`,
		"{", "}", "[", "]", ",", "{a}", "[a]", "=", "=a", "<<", "~", "---", "--- a", "...", "... a",
		"y", "Y", "n", "N", "yes", "Yes", "YES", "no", "NO", "on", "ON", "off", "Off", "true", "True", "TRUE", "false", "FALSE", "null", "Null", "NULL",
		"0", "1", "-1", "+1", "1.0", "1.", ".5", "-.5", "1.4.0", "0x1F", "0o17", "017", "0b101", "1e3", "1E+3", "1_000", "1,000", "12:30:45", "190:20:30", ".inf", "-.INF", "+.Inf", ".NaN",
		"2024-01-02", "2024-1-2", "2024-01-02T03:04:05Z", "2024-01-02t03:04:05.5-05:00", "2024-01-02 03:04:05 +1", "123e45",
		"\u0085", "a\u2028b", "\ufeffa", "a\u202eb", "a\u200bb", "a\x7f", "\x00", "a\rb", "\U000e0001",
		"\n", "\n\n", " a\nb", "\n a\n", "\ta\nb", "a \nb", "a\t\nb", "a\n \nb", "a\r\nb", "a\nb\x01",
	} {
		got := string(mustYAML(t, []any{s}))
		if !strings.HasPrefix(got, `- "`) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q is written as %s", s, got)
		}
		checkString(t, s)
	}
}

func TestLiteral(t *testing.T) {
	for _, s := range []string{
		"a\nb", "a\nb\n", "a\n\n", "a\n\n\n", "\na", "\n\na\n", "a\n b", "a\n\tb\n", "a\tb\nc", "- a\nb: c\n# d\n", "---\na\n", "...\n", "#\n\n#\n", "a\n---\nb\n", "ä\n名前\n", "yes\n", "a\n\n  b\n\n",
	} {
		got := string(mustYAML(t, []any{s}))
		if !strings.HasPrefix(got, "- |") {
			t.Errorf("%q is written as %s", s, got)
		}
		checkString(t, s)
	}
}

// TestLongKey: sigs.k8s.io/yaml reads such keys but cannot write them.
func TestLongKey(t *testing.T) {
	for _, n := range []int{990, 1000, 1001, 1025, 5000} {
		checkString(t, strings.Repeat("k", n))
		checkString(t, strings.Repeat("\x00", n/4))
		checkString(t, strings.Repeat("名", n/3))
	}
}

func TestRefused(t *testing.T) {
	type part struct {
		List []any `json:"list"`
	}
	loop := &node{Name: "a"}
	loop.Nodes = []*node{loop}
	for _, c := range []struct {
		value any
		want  string
	}{
		{map[string]any{"a.b": []any{part{[]any{1, make(chan int)}}}}, `["a.b"][0].list[1]: chan int cannot be written as YAML`},
		{func() {}, "func() cannot be written as YAML"},
		{complex(1, 2), "complex128 cannot"},
		{part{[]any{math.NaN()}}, "list[0]: NaN is not"},
		{math.Inf(-1), "-Inf is not"},
		{map[string]any{"x": "a\xff"}, `x: text is not UTF-8: "a\xff"`},
		{map[string]any{"a\xff": 1}, `key "a\xff" is not UTF-8`},
		{map[string]string{"a\xff": "b"}, `key "a\xff" is not UTF-8`},
		{map[bool]int{true: 1}, "bool cannot be the key of a map"},
		{marshals{true}, "will not"},
		{json.RawMessage(`{"a":`), "JSON"},
		{json.RawMessage(`1 2`), "more than one JSON value"},
		{json.Number("x"), `"x" is not a JSON number`},
		{json.Number("true"), `"true" is not a JSON number`},
		{json.Number("1e999"), "out of range"},
		{intstr.IntOrString{Type: 5}, "unknown type 5"},
		{loop, "nested more than 500 deep"},
	} {
		out, err := YAML(c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) || out != nil {
			t.Errorf("%v: got %q and %v, want an error with %q", c.value, out, err, c.want)
		}
	}
}

func mustYAML(t *testing.T, v any) []byte {
	t.Helper()
	out, err := YAML(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func viaSigs(t *testing.T, v any) []byte {
	t.Helper()
	out, err := sigs.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := sigs.UnmarshalStrict(data, &v); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return v
}

// pruned takes the null members away.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if member == nil {
				delete(v, key)
				continue
			}
			v[key] = pruned(member)
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}
