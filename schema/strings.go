package schema

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Strings visits every scalar of the document with its path, in the order of the file.
func (d *Document) Strings(visit func(path, value string)) { visitScalars(d.root, "", visit) }

func visitScalars(n *yaml.Node, path string, visit func(path, value string)) {
	if n == nil {
		return
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			visitScalars(c, path, visit)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			visitScalars(n.Content[i+1], member(path, n.Content[i].Value), visit)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			visitScalars(c, path+"["+strconv.Itoa(i)+"]", visit)
		}
	case yaml.ScalarNode:
		visit(path, n.Value)
	}
}

// member is the path of a value of a mapping. A key that holds a dot or a bracket is quoted, as At expects it.
func member(path, key string) string {
	switch {
	case strings.ContainsAny(key, ".["):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}
