// Package object reads the documents of generated files, strictly, and finds the line of a value in them.
package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apijson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Object is one document of a YAML file.
type Object struct {
	unstructured.Unstructured
	File string
	YAML []byte
	Line int // of the file, on which the document begins
}

// String names the object: `Deployment soc-detect/detect`.
func (o *Object) String() string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Into decodes the object into its type, strictly: an unknown field, or one in another case, is an error.
func (o *Object) Into(typed any) error { return yaml.UnmarshalStrict(o.YAML, typed) }

// Split reads the documents of a file. A document that is not an object, an unknown kind of syntax or a duplicate key are errors; a document
// without content is passed over, as Argo CD does.
func Split(file string, data []byte) ([]*Object, error) {
	var all []*Object
	docs, wrong := documents(data)
	if wrong > 0 {
		return nil, fmt.Errorf("%s:%d: only a line that is `---` and nothing else may stand between two documents", file, wrong)
	}
	line := 1
	for _, doc := range docs {
		o, err := parse(file, doc, line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		if o != nil {
			all = append(all, o)
		}
		line += bytes.Count(doc, newline) + 1
	}
	return all, nil
}

var newline = []byte("\n")

// documents cuts at lines that are `---`. The separator itself belongs to no document. Readers differ in what else they take for the end of a
// document: what one of them would, and another not, is refused, for an object could hide behind it.
func documents(data []byte) (docs [][]byte, wrong int) {
	start, line := 0, 0
	for at := 0; at < len(data); {
		line++
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := string(bytes.TrimRight(data[at:end], "\r\n"))
		switch {
		case text == "---":
			docs = append(docs, data[start:at])
			start = end
		case strings.HasPrefix(text, "---"), strings.HasPrefix(text, "..."), strings.HasPrefix(text, "%"):
			return nil, line
		}
		at = end
	}
	return append(docs, data[start:]), 0
}

func parse(file string, doc []byte, line int) (*Object, error) {
	o := &Object{File: file, YAML: doc, Line: line}
	data, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, err
	}
	if err := single(doc); err != nil {
		return nil, err
	}
	if string(data) == "null" {
		return nil, nil
	}
	if err := apijson.Unmarshal(data, &o.Object); err != nil {
		return nil, err
	}
	if o.GetAPIVersion() == "" || o.GetKind() == "" {
		return nil, errors.New("neither apiVersion nor kind may be missing")
	}
	return o, nil
}

// single refuses what is more than one document: the library reads the first and says nothing of the others.
func single(doc []byte) error {
	dec := yamlnode.NewDecoder(bytes.NewReader(doc))
	var node yamlnode.Node
	if err := dec.Decode(&node); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	if err := dec.Decode(&node); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the object")
	}
	return nil
}

// At finds the line and column of the value at a path of keys and indices, or of the nearest thing around it that is there.
func (o *Object) At(path ...any) (line, column int) {
	var root yamlnode.Node
	if yamlnode.Unmarshal(o.YAML, &root) != nil || len(root.Content) == 0 {
		return o.Line, 1
	}
	node := root.Content[0]
	line, column = node.Line, node.Column
	for _, step := range path {
		key, next := child(node, step)
		if next == nil {
			break
		}
		node = next
		line, column = key.Line, key.Column
	}
	return o.Line + line - 1, column
}

func child(node *yamlnode.Node, step any) (key, value *yamlnode.Node) {
	switch s := step.(type) {
	case string:
		if node.Kind != yamlnode.MappingNode {
			return nil, nil
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == s {
				return node.Content[i], node.Content[i+1]
			}
		}
	case int:
		if node.Kind == yamlnode.SequenceNode && s >= 0 && s < len(node.Content) {
			return node.Content[s], node.Content[s]
		}
	}
	return nil, nil
}

// Path cuts a path as the API server writes it, `spec.rules[0].ports`, into the steps that At wants.
func Path(text string) []any {
	var steps []any
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		var i int
		if json.Unmarshal([]byte(part), &i) == nil {
			steps = append(steps, i)
			continue
		}
		steps = append(steps, strings.Trim(part, `"'`))
	}
	return steps
}
