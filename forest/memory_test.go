package forest

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes a function asks for, in all.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory: whatever a file holds, to read it takes no more than ten times its size.
func TestMemory(t *testing.T) {
	const size = 4 << 20
	forestHead := `{"format":1,"features":["a"],"sampleSize":2,"offset":-0.5,"c":[0,0,1],"quantiles":{"rows":0,"ranks":null,"sums":null},`
	importHead := `{"format":"iforest-json/1","n_features":1,"max_samples":2,"offset":-0.5,"c":[0,0,1],"feature_names":["a"],`
	sha := "sha256:" + strings.Repeat("1", 64)
	feedbackHead := `{"format":1,"forest":"` + sha + `","labels":"` + sha + `","incidents":0,"benign":0,"rate":0.5,"promote":8,"suppress":1,`
	readers := map[string]func(io.Reader) error{
		"forest":   func(r io.Reader) error { _, err := Read(r); return err },
		"import":   func(r io.Reader) error { _, err := Import(r); return err },
		"feedback": func(r io.Reader) error { _, err := ReadFeedback(r); return err },
	}
	for _, c := range []struct{ reader, head, again, tail string }{
		{"forest", forestHead + `"trees":[{}`, ",{}", "]}"},
		{"forest", forestHead + `"trees":[null`, ",null", "]}"},
		{"forest", forestHead + `"trees":[0`, ",0", "]}"},
		{"forest", forestHead + `"trees":[[]`, ",[]", "]}"},
		{"forest", forestHead + `"trees":[{"feature":[0`, ",0", "]}]}"},
		{"forest", forestHead + `"trees":[{"threshold":[0`, ",0", "]}]}"},
		{"forest", forestHead + `"trees":[{"threshold":["`, ",", `"]}]}`},
		{"forest", forestHead + `"trees":[{"n":[0],"n":[0]`, `,"n":[0]`, "}]}"},
		{"forest", forestHead + `"trees":[{"n":[0]`, `,"x":0`, "}]}"},
		{"forest", `{"features":[""`, `,""`, "]}"},
		{"forest", `{"features":[0`, ",0", "]}"},
		{"forest", `{"features":["`, "a", `"]}`},
		{"forest", `{"features":["`, `\u0001`, `"]}`},
		{"forest", `{"c":[0`, ",0", "]}"},
		{"forest", `{"quantiles":{"ranks":[0`, ",0", "]}}"},
		{"forest", `{"quantiles":{"sums":[0`, ",0", "]}}"},
		{"forest", `{"format":1`, `,"format":1`, "}"},
		{"forest", `{"format":`, "1", "}"},
		{"forest", `{`, " ", "}"},
		{"forest", ``, "[", ""},
		{"forest", ``, "{", ""},
		{"import", importHead + `"trees":[{}`, ",{}", "]}"},
		{"import", importHead + `"trees":[null`, ",null", "]}"},
		{"import", importHead + `"trees":[{"threshold":[0`, ",0", "]}]}"},
		{"import", importHead + `"probes":{"x":[[]`, ",[]", "]}}"},
		{"import", importHead + `"probes":{"x":[[0`, ",0", "]]}}"},
		{"import", importHead + `"params":{"a":[[]`, ",[]", "]}}"},
		{"import", importHead + `"params":{"a":{}`, `,"a":{}`, "}}"},
		{"import", importHead + `"trained_on":[{}`, ",{}", "]}"},
		{"import", `{"feature_names":[""`, `,""`, "]}"},
		{"import", `{"format":"`, "a", `"}`},
		{"import", importHead + `"trees":[{"feature":["`, ",", `"]}]}`},
		{"feedback", `{"forest":"`, "a", `"}`},
		{"feedback", feedbackHead + `"trees":[{"delta":["`, ",", `"]}]}`},
		{"feedback", feedbackHead + `"trees":[{}`, ",{}", "]}"},
		{"feedback", feedbackHead + `"trees":[null`, ",null", "]}"},
		{"feedback", feedbackHead + `"trees":[{"leaf":[0`, ",0", "]}]}"},
		{"feedback", feedbackHead + `"trees":[{"delta":[0`, ",0", "]}]}"},
	} {
		text := c.head + strings.Repeat(c.again, size/len(c.again)) + c.tail
		var err error
		took := allocated(func() { err = readers[c.reader](strings.NewReader(text)) })
		if err == nil {
			t.Errorf("%s: %.200s… is read", c.reader, text)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: %d bytes of error", c.reader, len(err.Error()))
		}
		t.Logf("%4.1f times its size: %s of %s…%s: %v", float64(took)/float64(len(text)), c.reader, c.head[max(0, len(c.head)-30):], c.again, err)
		if took > 10*uint64(len(text)) {
			t.Errorf("%s: to read %.20s…%s takes %.1f times the size", c.reader, c.head, c.again, float64(took)/float64(len(text)))
		}
	}
}

// largest is a forest of one tree with as many nodes as are possible, all numbers as long as can be, and of as many features.
func largest(t testing.TB) *Forest {
	t.Helper()
	var names []string
	for i := range MaxFeatures {
		names = append(names, fmt.Sprintf("feature-%055d", i))
	}
	tree := Tree{}
	var grow func(levels int) int32
	grow = func(levels int) int32 {
		at := int32(len(tree.Feature))
		tree.Feature = append(tree.Feature, -1)
		tree.Threshold = append(tree.Threshold, 0)
		tree.Left = append(tree.Left, -1)
		tree.Right = append(tree.Right, -1)
		tree.N = append(tree.N, 2<<levels)
		if levels > 0 {
			tree.Feature[at], tree.Threshold[at] = MaxFeatures-1, -math.Float32frombits(0x0da24261+uint32(at)%64)
			tree.Left[at] = grow(levels - 1)
			tree.Right[at] = grow(levels - 1)
		}
		return at
	}
	grow(19)
	f, err := New(Forest{Features: names, SampleSize: maxSample, Offset: -0.5, C: averagePaths(maxSample), Trees: []Tree{tree}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestLargest: the largest forest can be read back, at a few times its size, and its file takes most of what a file may.
func TestLargest(t *testing.T) {
	f := largest(t)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	var err error
	took := allocated(func() { _, err = Read(bytes.NewReader(b.Bytes())) })
	t.Logf("%d nodes, %d bytes, read with %.1f times as much", len(f.Trees[0].Feature), b.Len(), float64(took)/float64(b.Len()))
	if err != nil {
		t.Error(err)
	}
	if took > 10*uint64(b.Len()) {
		t.Errorf("%.1f times its size", float64(took)/float64(b.Len()))
	}
	if b.Len() > maxFile || b.Len() < maxFile*3/4 {
		t.Errorf("%d bytes; a file may have %d", b.Len(), maxFile)
	}
}
