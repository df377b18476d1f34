package forest

import (
	"bytes"
	"strings"
	"testing"
)

// TestHostileFeedback: what is no feedback, or not this forest's, is refused, with the reason.
func TestHostileFeedback(t *testing.T) {
	f := twoTrees(t)
	good := feedbackWritten(t, fold(t, f, []Verdict{{[]float32{1}, true}, {[]float32{9}, true}}))
	first, second := `{"leaf":[1,4],"delta":[-0.5,-0.5]}`, `{"leaf":[0],"delta":[-1]}`
	for _, c := range []struct{ name, old, new, want string }{
		{"another format", `"format":1`, `"format":2`, "feedback of format 2; this reads 1"},
		{"a number in another form", `"format":1`, `"format":1.0`, "cannot unmarshal number 1.0"},
		{"an unknown key", `"benign":0`, `"benign":0,"note":"x"`, `unknown field "note"`},
		{"an unknown key of a tree", `[-1]}`, `[-1],"n":1}`, `unknown field "n"`},
		{"a key twice", `"benign":0`, `"benign":0,"benign":0`, `the field "benign" is there twice`},
		{"a key in other letters", `"benign":0`, `"Benign":0`, `unknown field "Benign"`},
		{"keys in another order", `"incidents":2,"benign":0`, `"benign":0,"incidents":2`, "not in the form"},
		{"a space", `"benign":0`, `"benign": 0`, "not in the form"},
		{"no new line at the end", "\n]}\n", "\n]}", "not in the form"},
		{"more behind the end", "\n]}\n", "\n]}\n{}", "after top-level value"},
		{"cut off", "\n]}\n", "", "unexpected end of JSON input"},
		{"no forest", `"forest":"sha256:` + digest(f) + `"`, `"forest":""`, `the forest is ""`},
		{"a forest by another digest", `"forest":"sha256:`, `"forest":"sha512:`, `the forest is "sha512:`},
		{"no list", `"labels":"sha256:` + strings.Repeat("1", 64) + `"`, `"labels":"sha256:1"`, `the labels are "sha256:1"`},
		{"fewer verdicts than none", `"incidents":2`, `"incidents":-2`, "nothing is counted below 0"},
		{"rate 0", `"rate":0.5`, `"rate":0`, "rate is 0; "},
		{"a rate beyond a limit", `"rate":0.5`, `"rate":1.5`, "rate is 1.5; more than 0 and up to suppress, 1, are possible"},
		{"promote beyond its own limit", `"promote":8`, `"promote":64`, "promote is 64; more than suppress, 1, and up to 16 are possible"},
		{"suppress beyond its own limit", `"suppress":1`, `"suppress":8`, "suppress is 8; more than 0 and up to 2 are possible"},
		{"suppress as far as promote", `"promote":8,"suppress":1`, `"promote":1,"suppress":1`, "promote is 1; more than suppress, 1,"},
		{"NaN", first, `{"leaf":[1],"delta":[NaN]}`, "invalid character 'N'"},
		{"infinite", first, `{"leaf":[1],"delta":[-1e999]}`, `trees: tree 0: delta: "-1e999" is not a finite number`},
		{"infinite limit", `"promote":8`, `"promote":1e999`, "cannot unmarshal number 1e999"},
		{"beyond promote", first, `{"leaf":[1],"delta":[-8.5]}`, "tree 0: leaf 1 is moved by -8.5; -8 to 1 are possible"},
		{"beyond suppress", second, `{"leaf":[0],"delta":[1.5]}`, "tree 1: leaf 0 is moved by 1.5; -8 to 1 are possible"},
		{"zero", first, `{"leaf":[1],"delta":[0]}`, "tree 0: leaf 1 is moved by 0; what is not moved is not listed"},
		{"zero from below", first, `{"leaf":[1],"delta":[-0]}`, "tree 0: leaf 1 is moved by 0;"},
		{"too small for a float", first, `{"leaf":[1],"delta":[1e-999]}`, "tree 0: leaf 1 is moved by 0;"},
		{"longer than need be", first, `{"leaf":[1],"delta":[-0.50]}`, "not in the form"},
		{"null", first, `{"leaf":null,"delta":null}`, "not in the form"},
		{"a tree that is null", first, `null`, `tree 0: "null" is no object`},
		{"no list of trees", "[\n" + first + ",\n" + second + "\n]", "null", "leaves of 0 trees; 1 to 1000 are possible"},
		{"more deltas", first, `{"leaf":[1],"delta":[-0.5,-0.5]}`, "tree 0: 1 leaves and 2 deltas"},
		{"unsorted", first, `{"leaf":[4,1],"delta":[-0.5,-0.5]}`, "tree 0: leaf 1 stands after leaf 4;"},
		{"twice", first, `{"leaf":[4,4],"delta":[-0.5,-0.5]}`, "tree 0: leaf 4 stands after leaf 4; they are in ascending order, each once"},
		{"a leaf below 0", first, `{"leaf":[-1],"delta":[-0.5]}`, "tree 0: there is no leaf -1"},
		{"a leaf out of range of int32", first, `{"leaf":[4294967297],"delta":[-0.5]}`, `leaf: "4294967297" is not a whole number of 32 bits`},
		{"a leaf that is none", first, `{"leaf":[5],"delta":[-0.5]}`, "tree 0: there is no leaf 5; the tree has 5 nodes"},
		{"an inner node", first, `{"leaf":[2],"delta":[-0.5]}`, "tree 0: node 2 is no leaf"},
		{"the root", first, `{"leaf":[0],"delta":[-0.5]}`, "tree 0: node 0 is no leaf"},
		{"too few trees", first + ",\n" + second, second, "leaves of 1 trees; the forest has 2"},
		{"too many trees", first, second + ",\n" + first, "leaves of 3 trees; the forest has 2"},
		{"more trees than any forest", first, first + strings.Repeat(",\n"+first, MaxTrees), "1002 trees; up to 1000 are possible"},
		{"too large", "\n]}\n", "\n]}" + strings.Repeat(" ", maxFeedback), "the feedback is larger than 8 MiB"},
		{"an empty file", good, "", "unexpected end of JSON input"},
	} {
		if strings.Count(good, c.old) != 1 {
			t.Fatalf("%s: %q is not there once", c.name, c.old)
		}
		fb, err := ReadFeedback(strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
		if err == nil {
			_, err = f.With(fb)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// FuzzReadFeedback: feedback is refused, or written as it was read; a forest takes it or says why not, and its scores stay between -1 and 0.
func FuzzReadFeedback(f *testing.F) {
	two := twoTrees(f)
	f.Add([]byte(feedbackWritten(f, fold(f, two, nil))))
	f.Add([]byte(feedbackWritten(f, fold(f, two, []Verdict{{[]float32{1}, true}, {[]float32{2}, false}}))))
	f.Fuzz(func(t *testing.T, data []byte) {
		fb, err := ReadFeedback(bytes.NewReader(data))
		if err != nil {
			return
		}
		if feedbackWritten(t, fb) != string(data) {
			t.Error("another file is read as this one")
		}
		taught, err := two.With(fb)
		if err != nil {
			return
		}
		for _, x := range []float32{0, 1, 2, 3} {
			if r, err := taught.Scorer().Score([]float32{x}); err != nil || r.DepthSum < 0 || !(r.Score >= -1 && r.Score <= 0) {
				t.Errorf("%+v, %v", r, err)
			}
		}
	})
}
