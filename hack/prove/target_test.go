//go:build judge

package prove

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/emit"

	"sigs.k8s.io/yaml"
)

// target is an environment while a mutator is at work on it. A mutator goes through all the places that it could change, says of each that it
// is `here`, and changes it if it is told to: so the code that finds the places is the code that changes one.
type target struct {
	*environment
	chosen int      // which place is changed; negative: they are only listed
	sites  []string // so far
	docs   []*object
	data   map[string]*object // JSON files of the bundle, by name
	texts  map[string][]byte  // other files that are written; nil: taken away

	unpacked bool // the folder of the bundle changes, and what agentd loads does not
	packed   bool // the reverse
}

// mutator changes one place of a target.
type mutator func(*target)

// places lists what a mutator could change.
func (e *environment) places(mutate mutator) []string {
	t := e.target(-1)
	mutate(t)
	return t.sites
}

// mutant is the files with one place changed.
func (e *environment) mutant(mutate mutator, site int) map[string][]byte {
	t := e.target(site)
	mutate(t)
	return t.files()
}

func (e *environment) target(chosen int) *target {
	t := &target{environment: e, chosen: chosen, data: map[string]*object{}, texts: map[string][]byte{}}
	for _, o := range e.docs {
		t.docs = append(t.docs, o.clone())
	}
	return t
}

// here says whether this is the place to be changed. The objects are those that change.
func (t *target) here(place string, changed ...*object) bool {
	if len(changed) > 0 {
		place += " in " + changed[0].String()
	}
	t.sites = append(t.sites, place)
	if len(t.sites)-1 != t.chosen {
		return false
	}
	for _, o := range changed {
		o.changed = true
	}
	return true
}

// of are the objects of some kinds.
func (t *target) of(kinds ...string) []*object {
	var all []*object
	for _, o := range t.docs {
		if slices.Contains(kinds, o.kind()) {
			all = append(all, o)
		}
	}
	return all
}

// named is one object, or nil.
func (t *target) named(kind, namespace, name string) *object {
	for _, o := range t.of(kind) {
		if o.namespace() == namespace && o.name() == name {
			return o
		}
	}
	return nil
}

// add writes one more document, into a file of its own.
func (t *target) add(file string, objects ...y) {
	var text strings.Builder
	for i, o := range objects {
		if i > 0 {
			text.WriteString(separator)
		}
		data, err := yaml.Marshal(o)
		if err != nil {
			panic(err)
		}
		text.Write(data)
	}
	t.texts[t.folder+file] = []byte(text.String())
}

// json is a JSON file of the bundle.
func (t *target) json(name string) *object {
	if t.data[name] == nil {
		o := &object{file: t.folder + "bundle/" + name}
		if err := json.Unmarshal(t.environment.files[o.file], &o.tree); err != nil {
			panic(fmt.Sprintf("%s: %v", o.file, err))
		}
		t.data[name] = o
	}
	return t.data[name]
}

// system is the namespace of agentd.
func (t *target) system() string { return t.asked.Fleet + "-system" }

func (t *target) files() map[string][]byte {
	files := map[string][]byte{}
	for name, data := range t.environment.files {
		files[name] = data
	}
	bundle := false
	for name, text := range t.texts {
		bundle = bundle || strings.HasPrefix(name, t.folder+"bundle/")
		if files[name] = text; text == nil {
			delete(files, name)
		}
	}
	for _, o := range t.data {
		if o.changed {
			bundle = true
			files[o.file] = indented(o.tree)
		}
	}
	if bundle && !t.unpacked {
		t.pack(files)
	}
	if t.packed {
		for name := range files {
			if strings.HasPrefix(name, t.folder+"bundle/") {
				files[name] = t.environment.files[name]
			}
		}
	}
	for _, o := range t.docs {
		if _, text := t.texts[o.file]; o.changed && !text {
			files[o.file] = t.write(o.file)
		}
	}
	return files
}

// write is a file of documents. Those that did not change are the bytes that were compiled.
func (t *target) write(file string) []byte {
	var texts []string
	for _, o := range t.docs {
		switch {
		case o.file != file || o.dropped:
		case !o.changed:
			texts = append(texts, o.text)
		default:
			data, err := yaml.Marshal(o.tree)
			if err != nil {
				panic(err)
			}
			texts = append(texts, string(data))
		}
	}
	return []byte(strings.Join(texts, separator))
}

// pack puts the bundle into the ConfigMap from which agentd loads it, with the revision that belongs to it: else each change of the bundle
// would be found for not being the same in both places, whatever it means.
func (t *target) pack(files map[string][]byte) {
	var bundle []artifact.File
	for _, name := range sorted(files) {
		if below, ok := strings.CutPrefix(name, t.folder+"bundle/"); ok && below != ".manifest" {
			bundle = append(bundle, artifact.File{Path: below, Data: files[name]})
		}
	}
	manifest := t.folder + "bundle/.manifest"
	var m map[string]any
	if err := json.Unmarshal(files[manifest], &m); err != nil {
		panic(err)
	}
	if t.texts[manifest] == nil && !t.json(".manifest").changed {
		m["revision"] = revision(bundle)
		files[manifest] = indented(m)
	}
	archive, err := emit.PackBundle(append([]artifact.File{{Path: ".manifest", Data: files[manifest]}}, bundle...))
	if err != nil {
		panic(err)
	}
	o := t.named("ConfigMap", t.system(), t.asked.Fleet+"-bundle")
	o.set(base64.StdEncoding.EncodeToString(archive), "binaryData", "bundle.tar.gz")
	o.changed = true
}

// revision is the name of a bundle's content.
func revision(files []artifact.File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d ", len(f.Path), f.Path, len(f.Data))
		h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// each changes each object of some kinds.
func each(what string, change func(*object), kinds ...string) mutator {
	return func(t *target) {
		for _, o := range t.of(kinds...) {
			if t.here(what, o) {
				change(o)
			}
		}
	}
}

// named changes each object of a kind and a name, in whatever namespace.
func named(kind, name string, change func(*object)) mutator {
	return func(t *target) {
		for _, o := range t.of(kind) {
			if o.name() == name && t.here("it", o) {
				change(o)
			}
		}
	}
}

// elements takes away each element of a list.
func elements(kind string, path ...any) mutator {
	return func(t *target) {
		for _, o := range t.of(kind) {
			for i, value := range o.list(path...) {
				if t.here(strings.TrimSpace(string(indented(value))), o) {
					o.remove(append(path, i)...)
				}
			}
		}
	}
}
