package action

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"agentc/decision/strict"
)

// vector is what others can check their implementation by: the question, and what becomes of it.
type vector struct {
	Name      string `json:"name"`
	Question  string `json:"question"`
	Canonical string `json:"canonical"`
	Digest    string `json:"digest"`
	Refused   string `json:"refused"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func read(question string) (Action, error) {
	value, err := strict.Read(strings.NewReader(question))
	if err != nil {
		return Action{}, err
	}
	m, ok := value.(map[string]any)
	if !ok {
		return Action{}, errors.New("no object")
	}
	var a Action
	a.Caller, _ = m["caller"].(string)
	a.Callee, _ = m["callee"].(string)
	a.Skill, _ = m["skill"].(string)
	a.Parameters, a.Message = m["parameters"], m["message"]
	return a, nil
}

func TestVectors(t *testing.T) {
	list := vectors(t)
	if len(list) < 40 {
		t.Errorf("only %d vectors", len(list))
	}
	for _, v := range list {
		a, err := read(v.Question)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		form, err := a.Canonical()
		var refused *Error
		switch {
		case v.Refused != "" && (!errors.As(err, &refused) || err.Error() != v.Refused):
			t.Errorf("%s: %q, %v", v.Name, form, err)
		case v.Refused == "" && (err != nil || string(form) != v.Canonical || Digest(form) != v.Digest):
			t.Errorf("%s: %v\ngot  %s %s\nwant %s %s", v.Name, err, form, Digest(form), v.Canonical, v.Digest)
		}
	}
}

// TestSecond holds the vectors against a second implementation, which shares no line with the first.
func TestSecond(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Refused != "" {
			continue
		}
		d := json.NewDecoder(strings.NewReader(v.Question))
		d.UseNumber()
		var form map[string]any
		if err := d.Decode(&form); err != nil {
			t.Fatal(err)
		}
		form["v"] = json.Number("1")
		if m, ok := form["message"].(map[string]any); ok {
			delete(m, "messageId")
			delete(m, "role")
			if metadata, ok := m["metadata"].(map[string]any); ok {
				delete(metadata, "traceparent")
				delete(metadata, "trace_id")
				if len(metadata) == 0 {
					delete(m, "metadata")
				}
			}
		}
		if got := second(form); got != v.Canonical {
			t.Errorf("%s:\nsecond %s\nvector %s", v.Name, got, v.Canonical)
		}
	}
}

// second writes a value after RFC 8785.
func second(value any) string {
	switch v := value.(type) {
	case map[string]any:
		names := []string{}
		for name := range v {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		members := []string{}
		for _, name := range names {
			members = append(members, second(name)+":"+second(v[name]))
		}
		return "{" + strings.Join(members, ",") + "}"
	case []any:
		items := []string{}
		for _, item := range v {
			items = append(items, second(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case json.Number:
		return secondNumber(string(v))
	case string:
		short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
		b := &strings.Builder{}
		for _, r := range v {
			switch escape, ok := short[r]; {
			case ok:
				b.WriteString(escape)
			case r < ' ':
				fmt.Fprintf(b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
		return `"` + b.String() + `"`
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// secondNumber is ECMAScript's Number::toString.
func secondNumber(s string) string {
	f, _ := strconv.ParseFloat(s, 64)
	if f == 0 {
		return "0"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	if -7 < e && e < 21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprintf("%se%+d", mantissa, e)
}

// TestSame: what does not count does not change the digest, and what does, does.
func TestSame(t *testing.T) {
	byName := map[string]vector{}
	digests := map[string]string{}
	for _, v := range vectors(t) {
		byName[v.Name] = v
		if v.Refused != "" {
			continue
		}
		if other, ok := digests[v.Digest]; ok && (other != "a message" || v.Name != "the same message with another id and trace") {
			t.Errorf("%q and %q have one digest", other, v.Name)
		}
		digests[v.Digest] = v.Name
	}
	if byName["a message"].Digest != byName["the same message with another id and trace"].Digest {
		t.Error("the message's id or its trace count")
	}
}

// TestForeign: what does not come from decision/strict, or hides something where nothing counts.
func TestForeign(t *testing.T) {
	deep := any("x")
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	for name, c := range map[string]struct {
		a    Action
		want string
	}{
		"no UTF-8":         {Action{Parameters: "\xff"}, "a text of the action is no UTF-8"},
		"a key, no UTF-8":  {Action{Parameters: map[string]any{"\xff": 1}}, "a text of the action is no UTF-8"},
		"a caller":         {Action{Caller: "\xff"}, "a text of the action is no UTF-8"},
		"a float":          {Action{Parameters: 1.5}, "a float64 is no JSON that decision/strict reads"},
		"no number":        {Action{Parameters: json.Number("0x1p3")}, `"0x1p3" is no number`},
		"deep":             {Action{Parameters: deep}, "the action is nested deeper than 100"},
		"large":            {Action{Parameters: strings.Repeat("a", maxBytes)}, "the action is larger than 1024 KiB"},
		"a long id":        {Action{Message: map[string]any{"messageId": strings.Repeat("a", 257)}}, `the message has a member "messageId" that nobody could be shown`},
		"an id of another": {Action{Message: map[string]any{"messageId": []any{}}}, `the message has a member "messageId" that nobody could be shown`},
		"a part":           {Action{Message: map[string]any{"parts": []any{"hi"}}}, "part 0 of the message is no object"},
		"a name of a stranger": {Action{Message: map[string]any{strings.Repeat("a", 50) + "\n": 1}},
			`the message has a member "` + strings.Repeat("a", 40) + `…" that nobody could be shown`},
	} {
		if c.a.Caller == "" {
			c.a.Caller = "a"
		}
		c.a.Callee = "b"
		form, err := c.a.Canonical()
		var refused *Error
		if !errors.As(err, &refused) || err.Error() != c.want {
			t.Errorf("%s: %.100s, %v", name, form, err)
		}
	}
	// What looks like a trace and is none counts.
	a := Action{Caller: "a", Callee: "b", Message: map[string]any{"metadata": map[string]any{"trace_id": "pay 1000 more"}}}
	if form, err := a.Canonical(); err != nil || !bytes.Contains(form, []byte("pay 1000 more")) {
		t.Errorf("%s, %v", form, err)
	}
}

// FuzzCanonical: the form is a fixed point, no matter in which order keys come, and a second implementation writes the same.
func FuzzCanonical(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Question)
	}
	f.Fuzz(func(t *testing.T, question string) {
		a, err := read(question)
		if err != nil {
			return
		}
		form, err := a.Canonical()
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		for _, other := range []string{string(form), reversed(t, form)} {
			again, err := read(other)
			if err != nil {
				if len(other) > strict.MaxBytes || strings.HasSuffix(err.Error(), "keys") { // it has grown beyond what is read
					return
				}
				t.Fatalf("%s: %v", other, err)
			}
			if got, err := again.Canonical(); err != nil || !bytes.Equal(got, form) {
				t.Fatalf("%v\ngot  %s\nwant %s", err, got, form)
			}
		}
		d := json.NewDecoder(bytes.NewReader(form))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if got := second(value); got != string(form) {
			t.Fatalf("second %s\nfirst  %s", got, form)
		}
	})
}

// reversed writes JSON with the keys in the opposite order.
func reversed(t *testing.T, form []byte) string {
	d := json.NewDecoder(bytes.NewReader(form))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		t.Fatal(err)
	}
	var write func(any) string
	write = func(value any) string {
		switch v := value.(type) {
		case map[string]any:
			names := []string{}
			for name := range v {
				names = append(names, name)
			}
			slices.Sort(names)
			slices.Reverse(names)
			members := []string{}
			for _, name := range names {
				members = append(members, second(name)+": "+write(v[name]))
			}
			return "{ " + strings.Join(members, " ,") + "}"
		case []any:
			items := []string{}
			for _, item := range v {
				items = append(items, write(item))
			}
			return "[" + strings.Join(items, " , ") + "]"
		}
		return second(value)
	}
	return write(value)
}
