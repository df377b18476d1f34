// Package generated gives tests the objects that the compiler wrote, as they are or broken on purpose.
package generated

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"agentc/verify/object"

	"sigs.k8s.io/yaml"
)

// Read returns the objects of all environments below the folders of these names, of which there is at least one each.
// root is the way from the test's folder to the generated ones.
func Read(t *testing.T, root string, names ...string) []*object.Object {
	t.Helper()
	var all []*object.Object
	for _, name := range names {
		before := len(all)
		folders, _ := filepath.Glob(filepath.Join(root, "*", name))
		for _, folder := range folders {
			all = append(all, read(t, folder)...)
		}
		if len(all) == before {
			t.Fatalf("no objects in any %s of %s: run `agentc compile` first", name, root)
		}
	}
	return all
}

func read(t *testing.T, folder string) []*object.Object {
	t.Helper()
	var all []*object.Object
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects, err := object.Split(path, data)
		all = append(all, objects...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Changed is a copy of the first object of a kind with a change made to it, read from its bytes as if it had been generated.
func Changed(t *testing.T, objects []*object.Object, kind string, change Change) *object.Object {
	t.Helper()
	i := slices.IndexFunc(objects, func(o *object.Object) bool { return o.GetKind() == kind })
	if i < 0 {
		t.Fatalf("no %s is generated", kind)
	}
	broken := objects[i].DeepCopy().Object
	change(broken)
	if reflect.DeepEqual(objects[i].Object, broken) {
		t.Fatal("the change changes nothing")
	}
	doc, err := yaml.Marshal(broken)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := object.Split(objects[i].File, doc)
	if err != nil || len(changed) != 1 {
		t.Fatal(err)
	}
	return changed[0]
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
