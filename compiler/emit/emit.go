// Package emit writes a fleet down as files in memory: one emitter for each layer, all of them pure. An emitter reads the
// fleet and adds objects to Out; it knows no disk, clock, environment, randomness or network, and no other emitter.
package emit

import (
	"fmt"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
)

// emitters in the order of the layers; adding one is a file and a line here.
var emitters = []struct {
	layer string
	emit  func(*model.Environment, *Out) error
}{
	{"workload", workload},
	{"identity", identity},
	{"network", network},
	{"decision", decision},
	{"admission", admission},
	{"runtime", runtime},
	{"observation", observation},
	{"delivery", delivery}, // last: it reads the sizes of what the others wrote
}

// Out collects what the emitters of one environment add.
type Out struct {
	Objects []artifact.Object
	Files   []artifact.File
}

// Object adds a Kubernetes object. The first origin stands for the whole object.
func (o *Out) Object(file string, wave int, value any, from ...artifact.Origin) {
	o.Objects = append(o.Objects, artifact.Object{File: file, Wave: wave, Value: value, From: from})
}

// File adds a file that is not a list of objects.
func (o *Out) File(path string, data []byte, from ...artifact.Origin) {
	o.Files = append(o.Files, artifact.File{Path: path, Data: data, From: from})
}

// All emits every layer of every environment.
func All(fleet *model.Fleet) (*artifact.Tree, error) {
	tree := artifact.NewTree()
	for _, env := range fleet.Environments {
		out := &Out{}
		for _, e := range emitters {
			if err := e.emit(env, out); err != nil {
				return nil, fmt.Errorf("%s layer of %s: %w", e.layer, env.Name, err)
			}
		}
		if err := tree.Add(out.Objects, out.Files); err != nil {
			return nil, err
		}
	}
	return tree, codeowners(fleet, tree)
}
