// Package podsecurity asks Kubernetes' own Pod Security library whether a pod is restricted.
package podsecurity

import (
	"errors"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// levels: the version that the Namespaces enforce, and the one they warn by.
var levels = []api.LevelVersion{
	{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 36)},
	{Level: api.LevelRestricted, Version: api.LatestVersion()},
}

var evaluator = sync.OnceValues(func() (policy.Evaluator, error) {
	return policy.NewEvaluator(policy.DefaultChecks(), nil)
})

// Refusals are the reasons for which a namespace of the fleet would refuse pods of a template.
func Refusals(template *corev1.PodTemplateSpec) ([]string, error) {
	checks, err := evaluator()
	if err != nil {
		return nil, err
	}
	var refusals []string
	for _, level := range levels {
		results := checks.EvaluatePod(level, &template.ObjectMeta, &template.Spec)
		if len(results) == 0 {
			return nil, errors.New(level.String() + " checks nothing")
		}
		if r := policy.AggregateCheckResults(results); !r.Allowed {
			refusals = append(refusals, level.String()+": "+r.ForbiddenDetail())
		}
	}
	return refusals, nil
}
