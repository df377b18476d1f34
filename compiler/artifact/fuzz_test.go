package artifact

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
	sigs "sigs.k8s.io/yaml"
)

// FuzzString reads text back with two readers, of YAML 1.1 and of 1.2.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", "no", "1e3", "a: b", " a", "a\nb\n", "a\n\n", "\tx\ny", "\u0085", "#\n", "- |", "\x00", "a\n\t\nb", "<<", "=", "'\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			if _, err := YAML([]string{s}); err == nil {
				t.Errorf("%q is not refused", s)
			}
			return
		}
		checkString(t, s)
	})
}

// checkString writes a string as value, item and key, deep and not, and reads it back.
func checkString(t *testing.T, s string) {
	t.Helper()
	for _, want := range []any{
		s,
		map[string]any{"value": s, "w": s},
		[]any{s, s},
		map[string]any{s: "x"},
		map[string]any{"a": map[string]any{s: s}, "b": []any{[]any{s}, map[string]any{s: []any{s}}}},
	} {
		written := mustYAML(t, want)
		for name, unmarshal := range map[string]func([]byte, any) error{
			"sigs": func(data []byte, v any) error { return sigs.UnmarshalStrict(data, v) },
			"v4":   func(data []byte, v any) error { return yaml.Unmarshal(data, v) },
		} {
			var got any
			if err := unmarshal(written, &got); err != nil {
				t.Fatalf("%q: %s: %v\n%s", s, name, err, written)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q: %s (-want +got):\n%s\n%s", s, name, diff, written)
			}
		}
	}
}
