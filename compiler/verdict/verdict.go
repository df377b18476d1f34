// Package verdict judges the decision layer: it asks OPA, the one that the product itself links, whether the bundle that agentd will load
// says what the spec says, no more and no less.
//
// It knows the claims, the generated files and the product's core Rego, and nothing of how the compiler writes a bundle. Three things
// together leave no call out:
//
//   - The bundle holds the core, the reviewers' files and data, byte for byte, and nothing beside.
//   - The data equals what follows from the claims, key by key. The core looks the data up by key, so whoever is no key can ask for nothing.
//   - OPA, asked, gives the verdicts that are declared: to everybody who is a key, to samples of everybody else, and on both sides of
//     each end of each range.
package verdict

import (
	"context"
	"fmt"

	"agentc/compiler/claims"
	"agentc/compiler/judge"
	"agentc/policies/core"
)

// Judge finds where the bundle of an environment and the claims disagree. The files are known by their path below the folder of the
// generated files. The counts say how often OPA was asked.
func Judge(ctx context.Context, env *claims.Environment, files map[string][]byte) ([]judge.Finding, map[string]int, error) {
	modules, err := core.Modules()
	if err != nil {
		return nil, nil, err
	}
	r, asked, err := judged(ctx, env, files, options{core: modules, few: few})
	if err != nil {
		return nil, nil, err
	}
	return r.findings(), map[string]int{"decisions": asked}, nil
}

// few is up to how many workloads every one of them is asked about every agent. In larger fleets three stand for those without an edge: the
// core looks callers up by key, and the keys are compared one by one.
const few = 50

// options are what tests do otherwise.
type options struct {
	core       []core.Module // of the product
	few        int
	exhaustive bool // everybody is asked about everything in every situation
}

func judged(ctx context.Context, env *claims.Environment, files map[string][]byte, o options) (*report, int, error) {
	r := &report{env: env.Name, at: env.At, folder: env.Name + "/bundle/"}
	spec := newSpec(env)
	packed := r.find(spec, files)
	if packed == nil {
		return r, 0, nil
	}
	known := r.contents(spec, packed, o.core)
	r.manifest(spec, packed)
	loaded, err := load(packed)
	if err != nil {
		r.fault(fault{kind: kindFile, message: fmt.Sprintf("OPA does not load the bundle: %v", err), spec: env.At})
		return r, 0, nil
	}
	r.data(spec, loaded)
	if !known {
		// Rego that is not the product's and did not pass the compiler's checks is not run: it could reach out, or never end.
		return r, 0, nil
	}
	engines, err := prepare(ctx, loaded)
	if err != nil {
		r.fault(fault{kind: kindFile, message: fmt.Sprintf("the bundle's Rego does not compile: %v", err), spec: env.At})
		return r, 0, nil
	}
	a := &asker{spec: spec, engines: engines, options: o, lists: map[string][]situation{}, keys: keysOf(loaded.Data)}
	err = a.all(ctx, r, packed)
	return r, int(a.count.Load()), err
}
