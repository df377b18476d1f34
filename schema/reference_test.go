package schema

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestReferenceIsStable(t *testing.T) {
	first, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := Reference(); !bytes.Equal(first, again) {
			t.Fatal("two references differ")
		}
	}
}

// TestReferenceIsComplete walks the types on its own and looks for each field in the section of its type.
func TestReferenceIsComplete(t *testing.T) {
	text, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split("\n"+string(text), "\n## ")[1:] {
		for _, sub := range strings.Split(s, "\n### ") {
			name, body, _ := strings.Cut(sub, "\n")
			if sections[name] != "" {
				t.Errorf("two sections are called %s", name)
			}
			sections[name] = body
		}
	}
	seen := map[reflect.Type]bool{}
	for _, kind := range []reflect.Type{reflect.TypeFor[Agent](), reflect.TypeFor[Platform](), reflect.TypeFor[ReviewerPolicy](), reflect.TypeFor[Features]()} {
		lookFor(t, kind, sections, seen)
	}
	if want := len(seen) + 1; len(sections) != want { // and the formats
		t.Errorf("%d sections for %d types", len(sections), len(seen))
	}
	for _, f := range formats {
		if !strings.Contains(sections["Formats"], fmt.Sprintf("\n| %s | ", f.name)) {
			t.Errorf("format %s is not explained", f.name)
		}
	}
}

func lookFor(t *testing.T, of reflect.Type, sections map[string]string, seen map[reflect.Type]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] {
		return
	}
	seen[of] = true
	for _, f := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" {
			continue
		}
		row := rowOf(sections[of.Name()], name)
		if len(row) != 6 || row[2] == "" || row[4] == "" {
			t.Errorf("%s.%s: its row is %q", of.Name(), f.Name, row)
			continue
		}
		if required := strings.Contains(","+f.Tag.Get("rule")+",", ",required,"); required != (row[3] == "yes") {
			t.Errorf("%s.%s: required is %q", of.Name(), f.Name, row[3])
		}
		lookFor(t, f.Type, sections, seen)
	}
}

// rowOf are the cells of a field's row, those outside the first and the last bar included.
func rowOf(section, field string) []string {
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `"+field+"` |") {
			cells := strings.Split(strings.TrimSpace(line), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			return cells
		}
	}
	return nil
}
