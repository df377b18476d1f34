package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"agentc/verify/judge"

	policiesv1beta1 "github.com/kyverno/api/api/policies.kyverno.io/v1beta1"
	celengine "github.com/kyverno/kyverno/pkg/cel/engine"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/engine"
)

// A policy that does not come to an end must not keep the judge: it is reported, and not asked again.

func (k *kyverno) silence(policy string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.silent[policy] = true
}

// slow counts what a policy wastes: one that takes seconds for each request would keep the judge for hours, and its API server as well.
func (k *kyverno) slow(policy string, took time.Duration) {
	if took < patience/20 {
		return
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	k.wasted[policy] += took
	if k.wasted[policy] > patience {
		k.silent[policy] = true
	}
}

// tooDear is how CEL ends an expression that counts for too long.
const tooDear = "cost limit exceeded"

// patience is how long one request may take, which takes a few milliseconds. An API server waits for ten seconds too, by what is compiled.
var patience = 10 * time.Second

// handle asks the engine, and names the policy that did not answer in time. Kyverno's programs do not heed their context, so the goroutine
// is left behind; a policy leaves no more of them than there are cores, for it is not asked again.
func (k *kyverno) handle(q celengine.EngineRequest, only []string) (answer engine.EngineResponse, silent string, err error) {
	var asked atomic.Value
	asked.Store("")
	type result struct {
		response engine.EngineResponse
		err      error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.err = judge.Guard(func() (err error) {
			r.response, err = k.engine.Handle(context.Background(), q, func(p policiesv1beta1.ValidatingPolicyLike) bool {
				if len(only) > 0 && !slices.Contains(only, p.GetName()) || k.isSilent(p.GetName()) {
					return false
				}
				asked.Store(p.GetName())
				return true
			})
			return err
		})
		done <- r
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case r := <-done:
		return r.response, "", r.err
	case <-timeout.C:
		name := asked.Load().(string)
		if name == "" {
			return answer, "", fmt.Errorf("the engine did not ask any policy for %v", patience)
		}
		return answer, name, nil
	}
}

func (k *kyverno) isSilent(policy string) bool {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.silent[policy]
}

// reportSilent says which policies did not answer. What they would have said of the catalogue nobody knows.
func (k *kyverno) reportSilent(env *judge.Environment, report *judge.Report) {
	for _, name := range slices.Sorted(maps.Keys(k.silent)) {
		report.At(k.objects[name], []any{"spec"}, env.At, "does not answer within %v or the cost that CEL allows: it refuses everything that it looks at, and cannot be judged", patience)
	}
}
