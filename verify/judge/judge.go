// Package judge holds what the layers of the judge have in common: the files of an environment as they were read, and what is found.
package judge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/object"
)

// Environment is what one environment claims, beside the files that Argo CD would sync for it.
type Environment struct {
	*claims.Environment
	Fleet     string
	Folder    string            // how its files' names begin: `dev/`
	Manifests []*object.Object  // of every file that Argo CD applies
	Delivery  []*object.Object  // what the platform's root application applies
	Bundle    map[string][]byte // by path below the bundle's folder
	Sizes     map[string]int    // bytes of each manifest file
}

// Finding is one disagreement: what a layer allows or forbids beyond the spec.
type Finding struct {
	Layer       string    `json:"layer"`
	Environment string    `json:"environment"`
	File        string    `json:"file"` // below the folder of the generated files
	Line        int       `json:"line"`
	Column      int       `json:"column"`
	Object      string    `json:"object"`
	Message     string    `json:"message"`
	Spec        claims.At `json:"spec"`
}

// Report collects what the layers of one environment find and how much they tried.
type Report struct {
	Findings []Finding
	Counts   map[string]int // `flows` → how many were tried
	env      *Environment
	layer    string
}

// Layer judges one layer of one environment.
type Layer struct {
	Name  string
	Judge func(*Environment, *Report) error // an error is a failure of the judge, not a finding
}

// Run asks every layer about an environment.
func Run(env *Environment, layers []Layer) (*Report, error) {
	r := &Report{Counts: map[string]int{}, env: env}
	for _, l := range layers {
		r.layer = l.Name
		err := Guard(func() error { return l.Judge(env, r) })
		var unjudged *Unjudged
		if errors.As(err, &unjudged) {
			r.Missing(env.Folder+"manifests", env.At, "the judge cannot judge this layer, so odd is what it found: %v", unjudged.Reason)
		} else if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", l.Name, env.Name, err)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
	r.Findings = slices.Compact(r.Findings)
	return r, nil
}

// Unjudged is a layer that broke on what it was given. Files that nobody can judge are at fault like those that are judged wrong, and what the
// other layers found must be told.
type Unjudged struct{ Reason any }

func (u *Unjudged) Error() string { return fmt.Sprint(u.Reason) }

// Guard runs a part of a layer. A layer that has goroutines of its own runs each of their tasks by it.
func Guard(task func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = &Unjudged{reason}
		}
	}()
	return task()
}

// Count adds to what was tried.
func (r *Report) Count(what string, n int) { r.Counts[what] += n }

// At reports a disagreement at a value of an object.
func (r *Report) At(o *object.Object, path []any, spec claims.At, format string, args ...any) {
	line, column := o.At(path...)
	r.add(Finding{File: o.File, Line: line, Column: column, Object: o.String(), Spec: spec, Message: fmt.Sprintf(format, args...)})
}

// Missing reports that a file lacks what ought to be in it.
func (r *Report) Missing(file string, spec claims.At, format string, args ...any) {
	r.add(Finding{File: file, Line: 1, Column: 1, Spec: spec, Message: fmt.Sprintf(format, args...)})
}

func (r *Report) add(f Finding) {
	f.Layer, f.Environment = r.layer, r.env.Name
	if f.Spec == (claims.At{}) {
		f.Spec = r.env.At
	}
	r.Findings = append(r.Findings, f)
}

// Workload finds one of the claimed workloads by namespace and service account.
func (e *Environment) Workload(namespace, account string) *claims.Workload {
	for i := range e.Workloads {
		if w := &e.Workloads[i]; w.Namespace == namespace && w.Account == account {
			return w
		}
	}
	return nil
}

// Collector is where the spec lets every workload send its traces: `<host>:<port>`, or empty where there is nowhere.
func (e *Environment) Collector() string {
	for _, f := range e.Flows {
		if f.To == "peer otlp" && len(f.Hosts) > 0 {
			return f.Hosts[0] + ":" + strconv.Itoa(int(f.Port))
		}
	}
	return ""
}

// WorkloadFile is where a workload's objects are expected, for reports of what is missing.
func (e *Environment) WorkloadFile(w *claims.Workload) string {
	return e.Folder + "manifests/" + w.Namespace + "/" + w.Name + ".yaml"
}

// Of are the objects of one kind.
func Of(objects []*object.Object, kind string) []*object.Object {
	var all []*object.Object
	for _, o := range objects {
		if o.GetKind() == kind {
			all = append(all, o)
		}
	}
	return all
}
