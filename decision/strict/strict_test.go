package strict

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRead(t *testing.T) {
	got, err := Read(strings.NewReader(` {"a": [1, -2.50e3, "\u00e9\n", true, null], "b": {}} ` + "\n"))
	want := map[string]any{"a": []any{json.Number("1"), json.Number("-2.50e3"), "é\n", true, nil}, "b": map[string]any{}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
}

// TestRefused: each of these somebody understands in another way.
func TestRefused(t *testing.T) {
	many := &strings.Builder{}
	for i := range maxNames + 1 {
		fmt.Fprintf(many, `,"k%d":0`, i)
	}
	for name, c := range map[string][2]string{
		"a key twice":                   {`{"a": 1, "a": 2}`, "at byte 9 a key comes twice"},
		"a key twice, escaped":          {`{"a": 1, "\u0061": 2}`, "at byte 9 a key comes twice"},
		"a key in other letters":        {`{"params": 1, "Params": 2}`, "before byte 22 a key comes again in other letters"},
		"a long s":                      {`{"params": 1, "param\u017f": 2}`, "before byte 27 a key comes again in other letters"},
		"the sign of Kelvin":            {`{"key": 1, "` + "\u212a" + `ey": 2}`, "before byte 18 a key comes again in other letters"},
		"in other letters, of many":     {`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"A":0}`, "before byte 64 a key comes again in other letters"},
		"a long s, of many":             {`{"s":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"\u017f":0}`, "before byte 63 a key comes again in other letters"},
		"the ninth in other letters":    {`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"H":0}`, "before byte 52 a key comes again in other letters"},
		"inside":                        {`{"a": [{"b": 1, "B": 2}]}`, "before byte 19 a key comes again in other letters"},
		"text that is no UTF-8":         {"{\"a\": \"\xff\"}", "it is no JSON from byte 7 on"},
		"half a surrogate":              {`{"a": "\ud800"}`, "it is no JSON from byte 7 on"},
		"a byte order mark":             {"\ufeff{}", "it is no JSON from byte 0 on"},
		"a second value":                {`{} {}`, "something stands behind the value"},
		"rubbish behind":                {`{}x`, "something stands behind the value"},
		"a comment":                     {`{} // x`, "something stands behind the value"},
		"a comma too many":              {`{"a": 1,}`, "it is no JSON from byte 7 on"},
		"a number that is none":         {`{"a": 01}`, "it is no JSON from byte 7 on"},
		"NaN":                           {`{"a": NaN}`, "it is no JSON from byte 6 on"},
		"nothing":                       {``, "it ends too early"},
		"half":                          {`{"a": `, "it ends too early"},
		"nested too deeply":             {strings.Repeat("[", 100) + strings.Repeat("]", 100), "it is nested deeper than 64"},
		"too large":                     {`"` + strings.Repeat("a", MaxBytes) + `"`, "it is larger than 256 KiB"},
		"more keys than anybody writes": {`{"k": 0` + many.String() + `}`, "it has more than 10000 keys"},
	} {
		value, err := Read(strings.NewReader(c[0]))
		var refused *Error
		if !errors.As(err, &refused) || err.Error() != c[1] {
			t.Errorf("%s: %v, %v, want %s", name, value, err, c[1])
		}
	}
}

// TestNothingIsKept: a value does not change when others are read after it.
func TestNothingIsKept(t *testing.T) {
	first, err := Read(strings.NewReader(`{"name": "first", "number": 11111, "list": ["first"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := Read(strings.NewReader(`{"xxxx": "xxxxx", "xxxxxx": 99999, "xxxx ": ["xxxxx"], `)); err == nil {
			t.Fatal("half a value is read")
		}
	}
	if want := (map[string]any{"name": "first", "number": json.Number("11111"), "list": []any{"first"}}); !reflect.DeepEqual(first, want) {
		t.Errorf("%#v", first)
	}
}

// FuzzNames: few or many, names are the same to both ways.
func FuzzNames(f *testing.F) {
	f.Add("key", "\u212aey")
	f.Add("\u03c3", "\u03c2")
	f.Fuzz(func(t *testing.T, a, b string) {
		if utf8.ValidString(a) && utf8.ValidString(b) && strings.EqualFold(a, b) != (fold(a) == fold(b)) {
			t.Errorf("%q and %q", a, b)
		}
	})
}

// FuzzRead: what is read, encoding/json reads too, and it means the same; what is not is refused with a reason.
func FuzzRead(f *testing.F) {
	f.Add(`{"a": [1, {"b": "\u00e9"}], "c": null}`)
	f.Add(`{"a": 1, "A": 2}`)
	f.Add(`[1e999, -0, 0.1e-5]`)
	f.Fuzz(func(t *testing.T, text string) {
		value, err := Read(strings.NewReader(text))
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) {
				t.Errorf("%v", err)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(value, want) {
			t.Errorf("%#v, and encoding/json says %#v, %v", value, want, err)
		}
	})
}
