package schema

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// At is the position of the value at path (`spec.accepts[0].from`, `spec.env["a.b"]`), or of the nearest thing around it
// that was written. A list or mapping is found at its key, since it may begin lines below.
func (d *Document) At(path string) Position {
	key, value, _ := d.find(path)
	if key != nil && (value.Kind != yaml.ScalarNode || isEmpty(value)) {
		return d.position(key)
	}
	return d.position(value)
}

// Key is the position of the key at path, or what At says where there is no key.
func (d *Document) Key(path string) Position {
	key, _, whole := d.find(path)
	if key == nil || !whole {
		return d.At(path)
	}
	return d.position(key)
}

// Has says whether something was written at path.
func (d *Document) Has(path string) bool {
	_, _, whole := d.find(path)
	return whole
}

func (d *Document) position(n *yaml.Node) Position {
	if n == nil { // a document that was not read from a file
		return Position{File: d.File, Line: 1, Column: 1}
	}
	return Position{File: d.File, Line: n.Line, Column: n.Column}
}

// find walks down the path as far as something was written. The key is nil where the value is the document or an item.
func (d *Document) find(path string) (key, value *yaml.Node, whole bool) {
	value = d.root
	for path != "" {
		step, rest := nextStep(path)
		k, v := step.of(value)
		if v == nil {
			return key, value, false
		}
		key, value, path = k, v, rest
	}
	return key, value, value != nil
}

// step is one part of a path: a key, or an index where the key is empty.
type step struct {
	key   string
	index int
}

// nextStep takes the first step off a path. A path that cannot be read leads nowhere.
func nextStep(path string) (step, string) {
	if !strings.HasPrefix(path, "[") {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		return step{path[:end], -1}, strings.TrimPrefix(path[end:], ".")
	}
	if quoted, err := strconv.QuotedPrefix(path[1:]); err == nil {
		key, _ := strconv.Unquote(quoted)
		return step{key, -1}, afterBracket(path[1+len(quoted):])
	}
	digits, rest, _ := strings.Cut(path[1:], "]")
	index, err := strconv.Atoi(digits)
	if err != nil {
		index = -1
	}
	return step{"", index}, strings.TrimPrefix(rest, ".")
}

func afterBracket(rest string) string {
	return strings.TrimPrefix(strings.TrimPrefix(rest, "]"), ".")
}

func (s step) of(n *yaml.Node) (key, value *yaml.Node) {
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode && s.index < 0:
		return child(n, s.key)
	case n.Kind == yaml.SequenceNode && s.index >= 0 && s.index < len(n.Content):
		return nil, n.Content[s.index]
	}
	return nil, nil
}

// child is the first entry of a mapping with that key.
func child(n *yaml.Node, key string) (k, v *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
