package judge

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// Answer is what the judge says, as JSON on standard output.
type Answer struct {
	Format       int       `json:"format"`
	Engines      []string  `json:"engines"`
	Environments []Counts  `json:"environments"`
	Findings     []Finding `json:"findings"`
}

// Counts says how much was tried in one environment.
type Counts struct {
	Name   string         `json:"name"`
	Counts map[string]int `json:"counts"`
}

// AnswerFormat is raised when an agentc that reads the older one would misunderstand the newer one.
const AnswerFormat = 1

// Judge asks the layers about every environment, several at once.
func Judge(in *Input, layers []Layer) (*Answer, error) {
	envs, findings := in.Environments()
	reports := make([]*Report, len(envs))
	errs := make([]error, len(envs))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, env := range envs {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			reports[i], errs[i] = Run(env, layers)
		})
	}
	wait.Wait()
	a := &Answer{Format: AnswerFormat, Engines: engines(), Findings: findings}
	for i, r := range reports {
		if errs[i] != nil {
			return nil, errs[i]
		}
		a.Environments = append(a.Environments, Counts{envs[i].Name, r.Counts})
		a.Findings = append(a.Findings, r.Findings...)
	}
	slices.SortStableFunc(a.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return a, nil
}

// engines are those that are asked, in the versions that were built in.
func engines() []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var all []string
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/cilium/cilium", "github.com/kyverno/kyverno", "k8s.io/kubernetes":
			all = append(all, m.Path[strings.LastIndexByte(m.Path, '/')+1:]+" "+m.Version)
		}
	}
	return all
}
