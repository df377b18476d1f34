// Package generated gives tests the objects that the compiler wrote, as they are or broken on purpose.
package generated

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"agentc/verify/schemas"

	"sigs.k8s.io/yaml"
)

// Read returns the objects of all environments below the folders of these names, of which there is at least one each.
// root is the way from the test's folder to the generated ones.
func Read(t *testing.T, root string, names ...string) []schemas.Object {
	t.Helper()
	var folders []string
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(root, "*", name))
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s in %s: run `agentc compile` first (%v)", name, root, err)
		}
		folders = append(folders, found...)
	}
	objects, err := schemas.ReadFolders(folders...)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// Changed is a copy of the first object of a kind with a change made to it, read from its bytes as if it had been generated.
func Changed(t *testing.T, objects []schemas.Object, kind string, change Change) schemas.Object {
	t.Helper()
	i := slices.IndexFunc(objects, func(o schemas.Object) bool { return o.GetKind() == kind })
	if i < 0 {
		t.Fatalf("no %s is generated", kind)
	}
	broken := objects[i].DeepCopy().Object
	change(broken)
	if len(schemas.Differences(objects[i].Object, broken)) == 0 {
		t.Fatal("the change changes nothing")
	}
	doc, err := yaml.Marshal(broken)
	if err != nil {
		t.Fatal(err)
	}
	o, err := schemas.Parse(objects[i].File, doc)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Change is made to one place of an object. Places are written as `spec.ports.0.name`.
type Change func(object map[string]any)

// Put sets a value.
func Put(place string, value any) Change {
	return at(place, func(in map[string]any, key string) { in[key] = value })
}

// Drop removes a value.
func Drop(place string) Change {
	return at(place, func(in map[string]any, key string) { delete(in, key) })
}

// Rename gives a value another key.
func Rename(place, to string) Change {
	return at(place, func(in map[string]any, key string) {
		in[to] = in[key]
		delete(in, key)
	})
}

// Repeat adds the first item of a list once more.
func Repeat(place string) Change {
	return at(place, func(in map[string]any, key string) {
		list := in[key].([]any)
		in[key] = append(slices.Clone(list), list[0])
	})
}

// at panics where a place does not exist: a test that breaks nothing must not pass.
func at(place string, change func(in map[string]any, key string)) Change {
	return func(object map[string]any) {
		path := strings.Split(place, ".")
		var here any = object
		for _, name := range path[:len(path)-1] {
			if i, err := strconv.Atoi(name); err == nil {
				here = here.([]any)[i]
			} else {
				here = here.(map[string]any)[name]
			}
		}
		change(here.(map[string]any), path[len(path)-1])
	}
}
