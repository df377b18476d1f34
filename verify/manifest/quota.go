package manifest

import (
	"errors"
	"strconv"

	"agentc/verify/claims"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Quota is what all pods of the namespace can take at once: of each agent the most that run, as many that are still stopping, and one more.
func (s *scope) Quota() (map[string]string, error) {
	sums := map[string]*resource.Quantity{}
	add := func(name, amount string, times int64) error {
		q, err := resource.ParseQuantity(amount)
		if err != nil {
			return err
		}
		q.Mul(times)
		if sum := sums[name]; sum != nil {
			sum.Add(q)
		} else {
			sums[name] = &q
		}
		return nil
	}
	var errs error
	for _, w := range s.agents {
		pods := 2*int64(w.Runs.Replicas.Max) + 1
		errs = errors.Join(errs, add("pods", strconv.FormatInt(pods, 10), 1))
		for _, r := range []claims.Resources{w.Runs.Resources, s.Env.Platform.Guard} {
			for name, amount := range r.Requests {
				errs = errors.Join(errs, add("requests."+name, amount, pods))
			}
			for name, amount := range r.Limits {
				errs = errors.Join(errs, add("limits."+name, amount, pods))
			}
		}
	}
	all := map[string]string{"persistentvolumeclaims": "0", "services.loadbalancers": "0", "services.nodeports": "0"}
	for name, sum := range sums {
		all[name] = sum.String()
	}
	return all, errs
}

// Largest is the largest limit of any container of the namespace, by resource.
func (s *scope) Largest() (map[string]string, error) {
	largest := map[string]resource.Quantity{}
	for _, w := range s.agents {
		for _, r := range []claims.Resources{w.Runs.Resources, s.Env.Platform.Guard} {
			for name, amount := range r.Limits {
				q, err := resource.ParseQuantity(amount)
				if err != nil {
					return nil, err
				}
				if now := largest[name]; q.Cmp(now) > 0 {
					largest[name] = q
				}
			}
		}
	}
	all := map[string]string{}
	for name, q := range largest {
		all[name] = q.String()
	}
	return all, nil
}
