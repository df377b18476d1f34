// Package core holds the decision logic that every bundle carries: Rego, written by hand, without a fleet in it.
package core

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.rego
var files embed.FS

// DataSchema is the JSON Schema of the data that the compiler writes beside the modules.
//
//go:embed data.schema.json
var DataSchema []byte

// Module is one file of the core.
type Module struct {
	Name string // decision.rego
	Text []byte
}

// Modules returns the files of the core by name, its tests not among them.
func Modules() ([]Module, error) {
	names, err := fs.Glob(files, "*.rego")
	if err != nil {
		return nil, err
	}
	var modules []Module
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		modules = append(modules, Module{name, text})
	}
	return modules, nil
}
