//go:build judge

package prove

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// object is one document of a generated file, as plain maps and lists.
type object struct {
	file string
	text string // as it was compiled
	tree map[string]any

	changed bool
	dropped bool
}

func (o *object) kind() string      { return str(o.at("kind")) }
func (o *object) name() string      { return str(o.at("metadata", "name")) }
func (o *object) namespace() string { return str(o.at("metadata", "namespace")) }

func (o *object) String() string {
	if o.kind() == "" {
		return o.file
	}
	return o.kind() + " " + o.namespace() + "/" + o.name()
}

func (o *object) clone() *object {
	return &object{file: o.file, text: o.text, tree: clone(o.tree).(map[string]any)}
}

// at is a value in the object, or nil. A path consists of keys and indexes.
func (o *object) at(path ...any) any { return at(o.tree, path...) }

// list is a list in the object.
func (o *object) list(path ...any) []any { return list(o.tree, path...) }

// set puts a value there; what holds it must exist, or be a map that can be made.
func (o *object) set(value any, path ...any) { set(o.tree, value, path...) }

// remove takes away a key, or an element of a list.
func (o *object) remove(path ...any) { remove(o.tree, path...) }

func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func list(v any, path ...any) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// dict is a map in a value.
func dict(v any, path ...any) map[string]any {
	m, _ := at(v, path...).(map[string]any)
	return m
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func set(v, value any, path ...any) {
	last := len(path) - 1
	for i, step := range path[:last] {
		next := at(v, step)
		if next == nil {
			if _, index := path[i+1].(int); index {
				panic(fmt.Sprintf("no list at %v", path[:i+1]))
			}
			next = map[string]any{}
			v.(map[string]any)[step.(string)] = next
		}
		v = next
	}
	switch step := path[last].(type) {
	case string:
		v.(map[string]any)[step] = value
	case int:
		v.([]any)[step] = value
	}
}

func remove(v any, path ...any) {
	last := len(path) - 1
	switch step := path[last].(type) {
	case string:
		delete(dict(v, path[:last]...), step)
	case int:
		l := list(v, path[:last]...)
		set(v, slices.Delete(slices.Clone(l), step, step+1), path[:last]...)
	}
}

// add puts values at the end of a list, which is made if there is none.
func (o *object) add(path []any, values ...any) {
	o.set(append(slices.Clone(o.list(path...)), values...), path...)
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = clone(value)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, value := range v {
			l[i] = clone(value)
		}
		return l
	}
	return v
}

// sorted are the keys of a map, so that sites come in the same order each time.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// y is shorthand for maps in tables.
type y = map[string]any

// l is shorthand for lists in tables.
func l(values ...any) []any { return values }
