package schema

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// Reference is every field of the four kinds in Markdown: a section for each kind and for each type in it, in the order in
// which a reader meets them, and the formats of text at the end. What it says comes from the types, their comments and their
// tags, as the decoder and the JSON Schema do; it stands in docs/spec.md.
func Reference() ([]byte, error) {
	docs, err := comments(typeFiles)
	if err != nil {
		return nil, err
	}
	r := &reference{docs: docs, met: map[reflect.Type]bool{}}
	for _, kind := range []reflect.Type{reflect.TypeFor[Agent](), reflect.TypeFor[Platform](), reflect.TypeFor[ReviewerPolicy](), reflect.TypeFor[Features]()} {
		r.kind(kind)
	}
	r.formats()
	return r.out.Bytes(), nil
}

type reference struct {
	docs map[string]string
	met  map[reflect.Type]bool
	next []section
	out  bytes.Buffer
}

// section is a type that a field led to, and the path of that field.
type section struct {
	of   reflect.Type
	path string
}

func (r *reference) kind(t reflect.Type) {
	fmt.Fprintf(&r.out, "## %s\n\n%s\n\n", t.Name(), r.docs[t.Name()])
	r.fields(section{t, ""})
	for len(r.next) > 0 {
		s := r.next[0]
		r.next = r.next[1:]
		fmt.Fprintf(&r.out, "### %s\n\n%s As in `%s`.\n\n", s.of.Name(), r.docs[s.of.Name()], s.path)
		r.fields(s)
	}
}

func (r *reference) fields(s section) {
	r.out.WriteString("| field | type | required | meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range planOf(s.of).fields {
		written, owner := s.of.FieldByIndex(f.index), s.of
		if len(f.index) > 1 { // a field of the Header
			owner = s.of.Field(f.index[0]).Type
		}
		required := ""
		if f.rule.required {
			required = "yes"
		}
		path := strings.TrimPrefix(s.path+"."+f.name, ".")
		fmt.Fprintf(&r.out, "| `%s` | %s | %s | %s |\n",
			f.name, r.typeOf(written.Type, f.rule, path), required, cell(r.docs[owner.Name()+"."+written.Name]))
	}
	r.out.WriteString("\n")
}

// typeOf says what may stand at a path. A struct type that it meets for the first time gets a section later on.
func (r *reference) typeOf(t reflect.Type, rule *rule, path string) string {
	switch {
	case t == durationType:
		return linked(durationFormat) + rule.limits()
	case t == quantityType:
		return linked(quantityFormat)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.typeOf(t.Elem(), rule, path)
	case reflect.Struct:
		return r.section(t, path) + rule.ends()
	case reflect.Slice:
		list := "list of " + r.typeOf(t.Elem(), rule.items, path+"[]")
		if rule.required {
			list += ", at least one"
		}
		return list
	case reflect.Map:
		return "map of " + linked(rule.keys) + " to " + r.typeOf(t.Elem(), rule.items, path+".<name>")
	case reflect.Bool:
		return "true or false"
	case reflect.Int32:
		return "whole number" + rule.limits()
	case reflect.Float64:
		return "number" + rule.limits()
	case reflect.String:
		return textType(rule)
	}
	panic("the spec has no values of type " + t.String())
}

func (r *reference) section(t reflect.Type, path string) string {
	if !r.met[t] {
		r.met[t] = true
		r.next = append(r.next, section{t, path})
	}
	return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
}

// limits of a number or a duration, to follow its type.
func (r *rule) limits() string {
	switch {
	case r.min != nil && r.max != nil:
		return ", " + r.min.text + " to " + r.max.text
	case r.min != nil:
		return ", at least " + r.min.text
	case r.max != nil:
		return ", at most " + r.max.text
	}
	return ""
}

// ends are the bounds of an interval's ends.
func (r *rule) ends() string {
	if r.within == nil {
		return ""
	}
	return fmt.Sprintf(" within %g to %g", r.within[0], r.within[1])
}

func textType(r *rule) string {
	switch {
	case r.words != nil:
		return words(r.words)
	case r.format != nil:
		return linked(r.format)
	case r.max != nil:
		return "text, at most " + r.max.text + " characters"
	}
	return "text"
}

func words(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

func linked(f *format) string { return "[" + f.name + "](#formats)" }

// formats explains the shapes of text that the tables name.
func (r *reference) formats() {
	r.out.WriteString("## Formats\n\n| format | what is allowed |\n| --- | --- |\n")
	for _, f := range append([]*format{durationFormat, quantityFormat}, formats...) {
		want := f.want
		if f.words != nil {
			want = words(f.words)
		}
		fmt.Fprintf(&r.out, "| %s | %s |\n", f.name, cell(want))
	}
}

// cell keeps text within one cell of a table, which a bar would end.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
