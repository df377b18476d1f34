// Package verify asks every judge: the program that holds the engines of the cluster, and OPA for the decision layer.
package verify

import (
	"cmp"
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"agentc/compiler/claims"
	"agentc/compiler/judge"
	"agentc/compiler/verdict"
)

// All judges every layer of every environment, on files by their path below the folder of the generated files.
func All(ctx context.Context, program string, asked *claims.Claims, files map[string][]byte) (*judge.Answer, error) {
	decided := make([]decision, len(asked.Environments))
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range asked.Environments {
			d := &decided[i]
			d.findings, d.counts, d.err = verdict.Judge(ctx, &asked.Environments[i], files)
		}
	})
	answer, err := judge.Ask(ctx, program, asked, files)
	wait.Wait()
	if err != nil {
		return nil, err
	}
	for i, d := range decided {
		err = errors.Join(err, d.err)
		answer.Findings = append(answer.Findings, d.findings...)
		counts := answer.Environments[i].Counts
		for what, n := range d.counts {
			counts[what] += n
		}
	}
	answer.Engines = append(answer.Engines, opa()...)
	slices.SortStableFunc(answer.Findings, func(a, b judge.Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return answer, err
}

// opa is the version of the OPA that was asked.
func opa() []string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/open-policy-agent/opa" {
				return []string{"opa " + m.Version}
			}
		}
	}
	return nil
}

// decision is what OPA said of one environment.
type decision struct {
	findings []judge.Finding
	counts   map[string]int
	err      error
}
