package artifact

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is a member that a struct writes, its own or that of a struct embedded in it.
type field struct {
	name   string
	key    []byte // the name as it is written
	index  []int  // as in reflect.Value.FieldByIndex
	tagged bool   // the name is from a tag, which wins over one from Go at the same depth
	skip   func(reflect.Value) bool
	encode func() encodeFunc
}

func structEncoder(t reflect.Type) encodeFunc {
	fields := sync.OnceValue(func() []field { return fieldsOf(t) })
	return func(e *encoder, v reflect.Value, at spot) bool {
		if e.enter() {
			m := mapping{at: at}
			all := fields()
			for i := range all {
				m.field(e, v, &all[i])
			}
			m.close(e)
		}
		e.leave()
		return true
	}
}

func (m *mapping) field(e *encoder, v reflect.Value, f *field) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	if f.skip != nil && f.skip(v) {
		return
	}
	inner := m.begin(e, f.name, f.key)
	m.end(e, f.encode()(e, v, inner))
}

// fieldsOf lists the members in the order of the struct, after apiVersion, kind and metadata where it is an object.
func fieldsOf(t reflect.Type) []field {
	fields := visible(t)
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	has := func(name string) bool {
		return slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
	}
	if !has("apiVersion") || !has("kind") || !has("metadata") {
		return fields
	}
	slices.SortStableFunc(fields, func(a, b field) int { return rank(a.name) - rank(b.name) })
	for i := range fields {
		if fields[i].name == "status" {
			fields[i].skip = reflect.Value.IsZero
		}
	}
	return fields
}

func rank(name string) int {
	first := []string{"apiVersion", "kind", "metadata"}
	if i := slices.Index(first, name); i >= 0 {
		return i
	}
	return len(first)
}

// embedded is a struct whose members belong to the one around it.
type embedded struct {
	typ   reflect.Type
	index []int
}

// visible finds the members as encoding/json does: of several with one name the least deep wins, then the only tagged one
// among the least deep; otherwise none of them is written.
func visible(t reflect.Type) []field {
	var found []field
	taken := map[string]bool{}
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: t}}; len(level) > 0; {
		var here []field
		var deeper []embedded
		for _, s := range level {
			fields, structs := direct(s)
			here = append(here, fields...)
			deeper = append(deeper, structs...)
		}
		for _, s := range level {
			seen[s.typ] = true
		}
		found = append(found, dominant(here, taken)...)
		level = slices.DeleteFunc(deeper, func(s embedded) bool { return seen[s.typ] })
	}
	return found
}

// dominant picks the winners of one depth, and marks every name that occurs there as taken.
func dominant(fields []field, taken map[string]bool) []field {
	byName := map[string][]field{}
	for _, f := range fields {
		byName[f.name] = append(byName[f.name], f)
	}
	var winners []field
	for _, f := range fields {
		if !taken[f.name] && wins(f, byName[f.name]) {
			winners = append(winners, f)
		}
	}
	for _, f := range fields {
		taken[f.name] = true
	}
	return winners
}

func wins(f field, rivals []field) bool {
	tagged := 0
	for _, r := range rivals {
		if r.tagged {
			tagged++
		}
	}
	return len(rivals) == 1 || f.tagged && tagged == 1
}

// direct lists a struct's own members and the structs embedded in it.
func direct(s embedded) (fields []field, structs []embedded) {
	for i := range s.typ.NumField() {
		sf := s.typ.Field(i)
		typ := sf.Type
		if sf.Anonymous && typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		tag := sf.Tag.Get("json")
		hidden := !sf.IsExported() && !(sf.Anonymous && typ.Kind() == reflect.Struct)
		if hidden || tag == "-" {
			continue
		}
		index := append(slices.Clone(s.index), i)
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case name == "" && sf.Anonymous && typ.Kind() == reflect.Struct:
			structs = append(structs, embedded{typ, index})
		case sf.IsExported():
			fields = append(fields, newField(sf, name, strings.Split(options, ","), index))
		}
	}
	return fields, structs
}

func newField(sf reflect.StructField, name string, options []string, index []int) field {
	f := field{name: name, tagged: name != "", index: index, encode: later(sf.Type)}
	if !f.tagged {
		f.name = sf.Name
	}
	f.key = keyOf(f.name)
	if slices.Contains(options, "string") && quotable(sf.Type) {
		f.encode = func() encodeFunc { return quoted }
	}
	empty, zero := slices.Contains(options, "omitempty"), slices.Contains(options, "omitzero")
	isZero := zeroFunc(sf.Type)
	switch {
	case empty && zero:
		f.skip = func(v reflect.Value) bool { return isEmpty(v) || isZero(v) }
	case empty:
		f.skip = isEmpty
	case zero:
		f.skip = isZero
	}
	return f
}

// isEmpty is what `omitempty` leaves out. A struct never is.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// zeroFunc tells what `omitzero` leaves out: what the type's own IsZero says, else the zero value.
func zeroFunc(t reflect.Type) func(reflect.Value) bool {
	zeroer := reflect.TypeFor[interface{ IsZero() bool }]()
	switch {
	case t.Implements(zeroer):
		return func(v reflect.Value) bool {
			if isNil(v) || v.Kind() == reflect.Interface && isNil(v.Elem()) {
				return true
			}
			return v.Interface().(interface{ IsZero() bool }).IsZero()
		}
	case reflect.PointerTo(t).Implements(zeroer):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				v = addressable(v)
			}
			return v.Addr().Interface().(interface{ IsZero() bool }).IsZero()
		}
	}
	return reflect.Value.IsZero
}

func isNil(v reflect.Value) bool {
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil()
}

func addressable(v reflect.Value) reflect.Value {
	boxed := reflect.New(v.Type()).Elem()
	boxed.Set(v)
	return boxed
}

// quotable tells where the tag's option `string` counts.
func quotable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64:
		return true
	}
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr
}

// quoted writes a value's JSON as text.
func quoted(e *encoder, v reflect.Value, at spot) bool {
	if isNil(v) {
		return false
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		e.fail("%w", err)
	}
	e.text(string(text), at)
	return true
}
