package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"agentc/compiler"
	"agentc/schema"

	"github.com/spf13/cobra"
)

// options are the flags that several commands share.
type options struct {
	dir, spec, policies, out string
	strict                   bool
	format                   string
}

// defaultPolicies need not exist; a folder that somebody names must.
const defaultPolicies = "policies"

func (o *options) register(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&o.dir, "dir", "C", ".", "run in this folder")
	f.StringVar(&o.spec, "spec", "agents.d", "folder of the agents and the platform")
	f.StringVar(&o.policies, "policies", defaultPolicies, "folder of the reviewer policies")
	f.StringVar(&o.out, "out", "generated", "folder of the generated files")
	f.BoolVar(&o.strict, "strict", false, "treat warnings as errors")
	f.StringVar(&o.format, "format", "text", "how to print problems: text, json, sarif or github")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(formats, o.format) {
			return usageError{fmt.Errorf("unknown format %q; there are %v", o.format, formats)}
		}
		return nil
	}
}

func (o *options) outDir() string { return o.in(o.out) }

// in finds a path of the command line, which is meant from the folder of -C.
func (o *options) in(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.dir, path)
}

// separate refuses folders that lie in each other: what is generated would be read as spec, and the spec be taken for
// something that a stranger put among the generated files.
func (o *options) separate() error {
	for _, name := range []string{o.spec, o.policies} {
		if holds(o.outDir(), o.in(name)) || holds(o.in(name), o.outDir()) {
			return usageError{fmt.Errorf("--out %s and %s lie in each other; name a folder of its own", o.out, name)}
		}
	}
	return nil
}

// holds says whether a folder is another, or lies somewhere around it.
func holds(outer, inner string) bool {
	a, errA := filepath.Abs(outer)
	b, errB := filepath.Abs(inner)
	rel, err := filepath.Rel(a, b)
	return errors.Join(errA, errB, err) == nil && filepath.IsLocal(rel)
}

// open gives the two folders of the spec. Nothing outside them can be read through a link.
func (o *options) open() ([]schema.Dir, func(), error) {
	var dirs []schema.Dir
	var roots []*os.Root
	closeAll := func() {
		for _, r := range roots {
			r.Close()
		}
	}
	for _, name := range []string{o.spec, o.policies} {
		root, err := os.OpenRoot(o.in(name))
		if errors.Is(err, fs.ErrNotExist) && name == o.policies && name == defaultPolicies {
			continue // a fleet without reviewers is checked like any other, and told what it lacks
		}
		if errors.Is(err, fs.ErrNotExist) {
			closeAll()
			return nil, nil, usageError{fmt.Errorf("no spec: %w; `agentc init` writes one, -C names another folder", err)}
		}
		if err != nil {
			closeAll()
			return nil, nil, usageError{fmt.Errorf("the spec cannot be read: %w", err)}
		}
		roots = append(roots, root)
		dirs = append(dirs, schema.Dir{Name: filepath.ToSlash(name), FS: root.FS()})
	}
	return dirs, closeAll, nil
}

// compile runs the compiler. Where the spec stops it, its problems are printed and the error says so; else they are the
// caller's to print, once, with what it finds itself.
func (o *options) compile(cmd *cobra.Command) (*compiler.Output, []schema.Problem, error) {
	if err := o.separate(); err != nil {
		return nil, nil, err
	}
	dirs, done, err := o.open()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	out, problems, err := compiler.Compile(o.strict, dirs...)
	if err != nil {
		return nil, nil, err
	}
	if out == nil {
		return nil, nil, o.finish(cmd, problems, false)
	}
	return out, problems, nil
}

// finish prints what was found and ends the command.
func (o *options) finish(cmd *cobra.Command, problems []schema.Problem, fine bool) error {
	if err := o.print(cmd, schema.SortProblems(problems)); err != nil || fine {
		return err
	}
	return errSpec
}
