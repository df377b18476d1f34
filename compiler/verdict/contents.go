package verdict

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentc/compiler/claims"
	"agentc/policies/core"
)

// contents compares the list of files with what a bundle consists of, and says whether all Rego in it is known. One more rule in the core's
// package could widen everything, and one more file of data is merged into the rest.
func (r *report) contents(spec *spec, packed map[string][]byte, modules []core.Module) bool {
	faults := len(r.faults)
	expected := map[string]bool{manifestFile: true, signaturesFile: true, dataFile: true, selfTestFile: true}
	for _, m := range modules {
		name := "agentc/" + m.Name
		expected[name] = true
		switch text, there := packed[name]; {
		case !there:
			r.file(name, spec.env.At, "the bundle lacks "+name+", which belongs to the product's core")
		case !bytes.Equal(text, m.Text):
			r.file(name, spec.env.At, name+" is not the product's; nobody knows what it decides")
		}
	}
	r.reviewers(spec, packed, expected)
	r.forests(spec, packed, expected)
	known := len(r.faults) == faults
	for _, name := range []string{manifestFile, dataFile, selfTestFile} {
		if _, there := packed[name]; !there {
			r.file(name, spec.env.At, "the bundle lacks "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(packed)) {
		if !expected[name] {
			r.file(name, spec.env.At, "the bundle holds "+name+", which is neither the product's nor made from the spec")
			known = false
		}
	}
	return known
}

// reviewers finds the users' Rego by its content: what its file is called in the bundle means nothing to OPA.
func (r *report) reviewers(spec *spec, packed map[string][]byte, expected map[string]bool) {
	missing := map[string][]string{} // files of the spec by digest
	for _, rego := range spec.Rego {
		missing[rego.SHA256] = append(missing[rego.SHA256], rego.File)
	}
	for _, name := range slices.Sorted(maps.Keys(packed)) {
		if !strings.HasPrefix(name, "reviewers/") || !strings.HasSuffix(name, ".rego") {
			continue
		}
		expected[name] = true
		sum := sha256.Sum256(packed[name])
		digest := hex.EncodeToString(sum[:])
		if len(missing[digest]) == 0 {
			r.file(name, spec.env.At, name+" is none of the reviewers' files")
			continue
		}
		missing[digest] = missing[digest][1:]
	}
	for _, rego := range spec.Rego {
		if slices.Contains(missing[rego.SHA256], rego.File) {
			r.fault(fault{kind: kindFile, message: "the bundle lacks " + rego.File + ": nobody hears what it rejects", spec: claims.At{File: rego.File, Line: 1, Column: 1}})
		}
	}
}

// forests compares the anomaly models with those that the reviewers agreed to.
func (r *report) forests(spec *spec, packed map[string][]byte, expected map[string]bool) {
	if spec.Anomaly == nil {
		return
	}
	for _, f := range spec.Anomaly.Forests {
		for _, file := range [][2]string{{"forests/" + f.Agent + ".json", f.Model}, {"forests/" + f.Agent + ".feedback.json", f.Feedback}} {
			name, agreed := file[0], file[1]
			if agreed == "" {
				continue
			}
			expected[name] = true
			text, there := packed[name]
			sum := sha256.Sum256(text)
			switch digest := "sha256:" + hex.EncodeToString(sum[:]); {
			case !there:
				r.file(name, f.At, "the bundle lacks "+name+": nobody can say which events are unusual")
			case digest != agreed:
				r.file(name, f.At, fmt.Sprintf("%s has the digest %s, and the spec says %s", name, digest, agreed))
			}
		}
	}
}

func (r *report) file(name string, at claims.At, message string) {
	r.fault(fault{kind: kindFile, file: name, message: message, spec: at})
}

// manifestFormat is the version of the bundle's format that is judged here.
const manifestFormat = 1

// manifest compares .manifest with what it must say. What a seal adds is the publisher's.
func (r *report) manifest(spec *spec, packed map[string][]byte) {
	got, ok := unsealed(packed[manifestFile])
	if !ok {
		if packed[manifestFile] != nil {
			r.file(manifestFile, spec.env.At, ".manifest is no manifest of a bundle")
		}
		return
	}
	revision, _ := got["revision"].(string)
	if delete(got, "revision"); revision == "" {
		r.file(manifestFile, spec.env.At, ".manifest has no revision")
	}
	want := map[string]any{
		"roots": []any{"agentc", "reviewers"}, "rego_version": json.Number("1"),
		"metadata": map[string]any{"format": json.Number(fmt.Sprint(manifestFormat)), "environment": spec.env.Name, "fleet": spec.Fleet},
	}
	for _, d := range differences(want, got) {
		r.fault(fault{kind: kindFile, file: manifestFile, path: d.path, message: d.String(), spec: spec.env.At})
	}
}

// unsealed is a manifest without what a seal sets.
func unsealed(data []byte) (map[string]any, bool) {
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil || m == nil {
		return nil, false
	}
	if metadata, ok := m["metadata"].(map[string]any); ok {
		delete(metadata, "sequence")
		delete(metadata, "not_after")
	}
	return m, true
}

func sameUnsealed(a, b []byte) bool {
	first, ok := unsealed(a)
	second, also := unsealed(b)
	return ok && also && len(differences(first, second)) == 0
}
