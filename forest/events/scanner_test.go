package events_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"agentc/forest/events"
	"agentc/forest/synthetic"
)

// slow reads a Falco event by encoding/json, key by key: what Parse must say of a line.
func slow(line []byte) (fields map[string]string, tags []string, ok bool) {
	var keys, output map[string]json.RawMessage
	if json.Unmarshal(line, &keys) != nil || keys == nil {
		return nil, nil, false
	}
	if raw, there := keys["output_fields"]; there && json.Unmarshal(raw, &output) != nil {
		return nil, nil, false
	}
	if raw, there := keys["tags"]; there && json.Unmarshal(raw, &tags) != nil {
		return nil, nil, false
	}
	delete(keys, "output_fields")
	delete(keys, "tags")
	fields = map[string]string{}
	for _, part := range []map[string]json.RawMessage{output, keys} {
		for name, raw := range part {
			var text *string
			if string(raw) == "null" {
				continue
			}
			if json.Unmarshal(raw, &text) == nil {
				fields[name] = *text
			} else {
				fields[name] = strings.Map(func(r rune) rune { return r }, string(raw)) // what is no UTF-8 becomes U+FFFD
			}
		}
	}
	return fields, tags, true
}

// alike says where Parse and encoding/json differ about a line.
func alike(t *testing.T, line []byte) {
	t.Helper()
	before := string(line)
	e, err := events.Parse(line, events.SourceFalco)
	fields, tags, ok := slow(line)
	if ok != (err == nil) {
		t.Fatalf("%.200q: %v; encoding/json takes it: %t", line, err, ok)
	}
	if err != nil {
		if e != nil {
			t.Fatalf("%.200q: an event and %v", line, err)
		}
		return
	}
	for i := range line {
		line[i] = 'x' // the event must not see it
	}
	if got := e.All(); !maps.Equal(got, fields) || !slices.Equal(e.Tags, tags) {
		t.Fatalf("%.200q:\n%.500q %.100q, encoding/json has\n%.500q %.100q", before, got, e.Tags, fields, tags)
	}
	for name, value := range fields {
		if got, there := e.Get(name); !there || got != value || !utf8.ValidString(got) {
			t.Fatalf("%.200q: %q is %.100q, %t", before, name, got, there)
		}
	}
}

// odd lines, of which encoding/json takes some.
func odd() []string {
	lines := []string{
		``, ` `, `null`, `7`, `[]`, `"a"`, `{`, `{}`, ` { } `, "\t{\r\n}\n", `{}{}`, `{} x`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`, "\ufeff{}", "{}\x00", "{\v}",
		`{"a":1,"a":2}`, `{"a":1,"a":null}`, `{"a":null,"a":1}`, `{"\u0061":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"":""}`, `{"a":"","b":"\""}`,
		`{"rule":"own","output_fields":{"rule":"forged"}}`, `{"output_fields":{"rule":"forged"},"rule":"own"}`, `{"rule":null,"output_fields":{"rule":"seen"}}`,
		`{"rule":"own","rule":null,"output_fields":{"rule":"seen"}}`, `{"output_fields":{"a":1,"a":null}}`, `{"output_fields":{"a":1},"output_fields":{"b":2}}`,
		`{"output_fields":{"a":1},"output_fields":null}`, `{"output_fields":null}`, `{"output_fields":[]}`, `{"output_fields":"{}"}`, `{"output_fields":7,"output_fields":{}}`,
		`{"output_fields":{"output_fields":{"a":1},"tags":["x"]}}`, `{"output\u005ffields":{"a":1}}`,
		`{"tags":null}`, `{"tags":[]}`, `{"tags":["a","b"]}`, `{"tags":[null,"\u00e9"]}`, `{"tags":[1]}`, `{"tags":"a"}`, `{"tags":{}}`, `{"tags":[["a"]]}`, `{"tags":["a"],"tags":["b"]}`, `{"tags":["a"],"tags":null}`, `{"tags":["a",]}`,
		`{"a":{"b":[1,{"c":null}]},"d":[ 1 , 2 ]}`, `{"a":[}`, `{"a":[1 2]}`, `{"a":{"b"}}`, `{"a":[,1]}`, `{"a":{]}`,
		`{"a":"\ud83d\ude00"}`, `{"a":"\ud800"}`, `{"a":"\udc00\ud800"}`, `{"a":"\ud800\u0041"}`, `{"a":"\ud800\ud83d\ude00"}`, `{"a":"\ud800\n"}`, `{"a":"\uD83D\uDE00\/\b\f\n\r\t\\\""}`, `{"a":"\u0000"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12`, `{"a":"\`, `{"a":"\u"}`, `{"a":"\U0041"}`,
		"{\"a\":\"\xff\xfe\"}", "{\"a\":\"\xff\\n\"}", "{\"\xff\":1,\"\xfe\":2}", "{\"a\":[\"\xe2\x82\"]}", "{\"a\":\"\xed\xa0\x80\"}", "{\xff}", "{\"a\":\"\\\xff\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\x01\"}", "{\"a\":\"\n\"}", "{\"a\":\"\x7f\u2028\"}", "{\"a\x00\":1}",
	}
	for _, n := range []string{"0", "-0", "7", "-7", "1.5", "1e5", "1E+5", "1e-5", "-1.5e300", "1e999", "01", "-", "+1", ".5", "1.", "1e", "1e+", "1.e1", "0x1", "NaN", "Infinity", "-Infinity", "1_0", "--1", "1 ", "0.0.0", "true", "false", "null", "True", "tru", "truex", "nul", "fals", "nulll"} {
		lines = append(lines, fmt.Sprintf(`{"a":%s}`, n), fmt.Sprintf(`{"a":[%s],"output_fields":{"b":%s}}`, n, n))
	}
	for _, c := range []string{`"`, `\`, `\n`, "\x00", "\x1f", " ", "!", "#", "[", "]", "\x7f", "\x80", "\xa2", "\xdc", "\xff", "é"} {
		for i := range 18 {
			lines = append(lines, `{"`+strings.Repeat("a", i)+c+strings.Repeat("z", 18-i)+`":1}`)
		}
	}
	for _, deep := range []int{100, 9_998, 9_999, 10_000, 20_000} {
		lines = append(lines, `{"a":`+strings.Repeat("[", deep)+strings.Repeat("]", deep)+"}", strings.Repeat(`{"a":`, deep)+"1"+strings.Repeat("}", deep), `{"a":`+strings.Repeat("[", deep))
	}
	return append(lines,
		`{"a":"`+strings.Repeat("x", events.MaxLine)+`"}`, `{"a":"`+strings.Repeat(`\u00e9`, 1<<17)+`"}`, `{"a":"`+strings.Repeat("\xff", 1<<17)+`"}`,
		`{`+strings.Repeat(`"a":1,`, 1<<17)+`"a":"last"}`, `{"a":[`+strings.Repeat("{},", 1<<17)+`{}]}`, `{"tags":[`+strings.Repeat(`"a",`, 1<<17)+`"b"]}`,
	)
}

// TestScanner: of lines that are odd Parse says what encoding/json says.
func TestScanner(t *testing.T) {
	for _, line := range odd() {
		alike(t, []byte(line))
	}
}

// FuzzScanner: of any line Parse says what encoding/json says.
func FuzzScanner(f *testing.F) {
	f.Add(day(f, synthetic.Options{Seed: 3, Events: 1}))
	for _, line := range odd() {
		if len(line) < 1000 {
			f.Add([]byte(line))
		}
	}
	f.Fuzz(alike)
}
