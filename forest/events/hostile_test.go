package events_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/synthetic"
	"agentc/schema"
)

// TestCheckWords: a name, a scale and a shape that the schema would refuse are refused of a model too, with what is allowed.
func TestCheckWords(t *testing.T) {
	for _, c := range []struct {
		feature schema.Feature
		want    string
	}{
		{schema.Feature{Name: "a", Text: &schema.Text{Field: "x", Shape: "bogus"}}, `features[0]: a has the shape "bogus"; it is one of depth, digits, entropy, length, meta`},
		{schema.Feature{Name: "a", Text: &schema.Text{Field: "x"}}, `features[0]: a has the shape ""; it is one of depth, digits, entropy, length, meta`},
		{schema.Feature{Name: "a", Text: &schema.Text{Field: "x", Shape: "length"}}, ""},
		{schema.Feature{Name: "a", Number: &schema.Number{Field: "x", Scale: "bogus"}}, `features[0]: a has the scale "bogus"; it is linear or log`},
		{schema.Feature{Name: "a", Number: &schema.Number{Field: "x"}}, ""},
		{schema.Feature{Name: "a", Number: &schema.Number{Field: "x", Scale: "linear"}}, ""},
		{schema.Feature{Name: "a", Number: &schema.Number{Field: "x", Scale: "log"}}, ""},
		{schema.Feature{Name: "a" + strings.Repeat("b", 62), Present: "x"}, ""},
		{schema.Feature{Name: "", Present: "x"}, `features[0]: "" is no name; it is lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 63 characters`},
		{schema.Feature{Name: "a" + strings.Repeat("b", 63), Present: "x"}, `features[0]: "abbb`},
		{schema.Feature{Name: "a-", Present: "x"}, `features[0]: "a-" is no name`},
		{schema.Feature{Name: "a\n", Present: "x"}, `features[0]: "a\n" is no name`},
		{schema.Feature{Name: "A", Present: "x"}, `features[0]: "A" is no name`},
		{schema.Feature{Name: "\x1b[2J", Present: "x"}, `features[0]: "\x1b[2J" is no name`},
	} {
		got := ""
		for _, wrong := range events.Check(&schema.FeaturesSpec{Features: []schema.Feature{c.feature}}) {
			got += wrong.Error()
		}
		if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%q: %s, want %s", c.feature.Name, got, c.want)
		}
	}
}

// small is the file of a model.
func small(t *testing.T) string {
	t.Helper()
	m, err := events.Train(shipped(t), source(t, day(t, synthetic.Options{Seed: 1, Events: 50})), forest.Options{Trees: 2})
	if err != nil {
		t.Fatal(err)
	}
	return written(t, m)
}

// between is the text from one mark to another, the marks left out.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, text, found := strings.Cut(text, from)
	if text, _, ends := strings.Cut(text, to); found && ends {
		return text
	}
	t.Fatalf("there is nothing between %q and %q", from, to)
	return ""
}

// TestHostileModels: what no training wrote is refused, with the reason.
func TestHostileModels(t *testing.T) {
	good := small(t)
	if _, err := events.Read(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	quantiles := `"quantiles":` + between(t, good, `"quantiles":`, `,"trees"`)
	table := `{"total":` + between(t, good, `{"total":`, "\n")
	for _, c := range []struct{ name, old, new, want string }{
		{"no quantiles", quantiles, `"quantiles":{"rows":0,"ranks":null,"sums":null}`, "it has no quantiles of a training: no event would have a percentile"},
		{"another shape", `"shape":"length"`, `"shape":"bogus"`, `has the shape "bogus"; it is one of`},
		{"another source", `"source":"falco"`, `"source":"syslog"`, `the source of the events is "syslog"; it is falco or a2a`},
		{"no source", `"source":"falco"`, `"source":""`, `the source of the events is ""`},
		{"another format", `"format":1`, `"format":2`, `a model of format 2; this reads 1`},
		{"an unknown field", `"format":1`, `"format":1,"x":1`, `unknown field "x"`},
		{"an unknown field of a feature", `"name":`, `"nom":"x","name":`, `features: json: unknown field "nom"`},
		{"an unknown field of the features", `"team":`, `"x":"y","team":`, `features: json: unknown field "x"`},
		{"a field twice", `"format":1`, `"format":1,"format":1`, "not in the form in which a model is written"},
		{"a space", `"format":1`, `"format": 1`, "not in the form in which a model is written"},
		{"no table", table, `null`, "has a table and is no rarity, or the other way round"},
		{"a table of another form", table, `{"total":1,"counts":{"a":1.0}}`, `"1.0" is no whole number`},
		{"a table of more", table, `{"total":1,"counts":{"a":2}}`, `"a" occurred 2 times, of 1`},
		{"more behind the end", "]}\n}\n", "]}\n}\n{}", "is out of place"},
		{"cut off", "]}\n}\n", "", "ends too early"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: %.80q is not there", c.name, c.old)
		}
		if _, err := events.Read(strings.NewReader(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestMemory: whatever a file holds, to read it takes no more than ten times its size.
func TestMemory(t *testing.T) {
	const size = 4 << 20
	good := small(t)
	before, _, _ := strings.Cut(good, `"features":{`)
	tables, _, _ := strings.Cut(good, `"tables":[`)
	upTo, _, _ := strings.Cut(good, `"trees":[`)
	names := new(strings.Builder)
	for i := range 1<<18 - 1 {
		fmt.Fprintf(names, `,"%x":1`, i)
	}
	others := strings.Repeat("null,", strings.Count(tables, `"name":`)-1)
	for _, c := range []struct {
		size              int
		head, again, tail string
	}{
		{2 << 20, before + `"features":{"features":[{}`, ",{}", "]}}"},
		{2 << 20, before + `"features":{"features":[null`, ",null", "]}}"},
		{2 << 20, before + `"features":{"features":[0`, ",0", "]}}"},
		{size, before + `"features":{"features":[0`, ",0", "]}}"},
		{size, tables + `"tables":[null`, ",null", "]}"},
		{size, tables + `"tables":[{}`, ",{}", "]}"},
		{size, tables + `"tables":[` + others + `{"total":1,"counts":{"":1`, `,"":1`, "}}]}"},
		{1 << 20, tables + `"tables":[` + others + `{"total":1,"counts":{"":1`, `,"":1`, "}}]}"},
		{size, tables + `"tables":[` + others + `{"total":1,"counts":{"a":1`, names.String(), "}}]}"},
		{size, upTo + `"trees":[{}`, ",{}", "]}}"},
		{size, upTo + `"trees":[null`, ",null", "]}}"},
		{size, upTo + `"trees":[{"feature":[0`, ",0", "]}]}}"},
		{size, upTo + `"trees":[{"threshold":["`, ",", `"]}]}}`},
		{size, `{"format":1`, `,"format":1`, "}"},
		{size, `{"format":1`, `,"x":1`, "}"},
		{size, before + `"features":{"features":[]},"tables":[],"forest":{"c":[0`, ",0", "]}}"},
		{size, ``, "[", ""},
	} {
		text := c.head + strings.Repeat(c.again, max(1, (c.size-len(c.head)-9)/len(c.again))) + c.tail
		var start, end runtime.MemStats
		runtime.ReadMemStats(&start)
		_, err := events.Read(bytes.NewReader([]byte(text)))
		runtime.ReadMemStats(&end)
		took := float64(end.TotalAlloc-start.TotalAlloc-uint64(len(text))) / float64(len(text))
		t.Logf("%4.1f times its size: %.20s of …%s: %.200v", took, c.again, c.head[max(0, len(c.head)-30):], err)
		if err == nil {
			t.Errorf("%.20s is read", c.again)
		}
		if took > 10 {
			t.Errorf("to read …%s%.20s takes %.1f times its size", c.head[max(0, len(c.head)-30):], c.again, took)
		}
	}
}
