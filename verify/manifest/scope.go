package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentc/verify/claims"
	"agentc/verify/judge"

	"k8s.io/apimachinery/pkg/api/resource"
)

// scope is what a template sees: the environment, and of it one workload or one namespace.
type scope struct {
	Env       *judge.Environment
	System    *claims.Workload // agentd
	W         *claims.Workload
	R         *claims.Runs // of W
	Namespace string

	agents []*claims.Workload // of the namespace, by name
	callee *claims.Callee     // what is decided about W; nil for agentd
	at     claims.At
	byName map[string]*claims.Callee
}

func newScope(env *judge.Environment) (*scope, error) {
	s := &scope{Env: env, byName: map[string]*claims.Callee{}}
	for i := range env.Workloads {
		if w := &env.Workloads[i]; w.Guard == "" {
			s.System = w
		}
	}
	if s.System == nil {
		return nil, errors.New("no workload is claimed to be agentd")
	}
	for i := range env.Decisions.Agents {
		c := &env.Decisions.Agents[i]
		s.byName[c.Name] = c
	}
	for i := range env.Workloads {
		w := &env.Workloads[i]
		if w != s.System && (s.byName[w.Name] == nil || w.Runs.Card == nil || w.Runs.Probes == nil || len(w.Images) == 0) {
			return nil, fmt.Errorf("too little is claimed of %s", w.Name)
		}
	}
	return s, nil
}

// of is the scope of one workload.
func (s *scope) of(w *claims.Workload) *scope {
	return &scope{Env: s.Env, System: s.System, W: w, R: &w.Runs, Namespace: w.Namespace, callee: s.byName[w.Name], at: w.At}
}

// Namespaces are the scopes of all of them, agentd's first, then by name.
func (s *scope) Namespaces() []*scope {
	system := s.of(s.System)
	all := map[string]*scope{}
	for i := range s.Env.Workloads {
		w := &s.Env.Workloads[i]
		if w == s.System {
			continue
		}
		if all[w.Namespace] == nil {
			all[w.Namespace] = s.of(w)
		}
		all[w.Namespace].agents = append(all[w.Namespace].agents, w)
	}
	list := []*scope{system}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// IsSystem says whether it is about agentd.
func (s *scope) IsSystem() bool { return s.W == s.System }

// Keys are the files that hold the public keys; none where a bundle is believed for the repository that it comes from.
func (s *scope) Keys() map[string]string {
	if s.Env.Identity.Trust != "key" {
		return nil
	}
	files := map[string]string{}
	for id, key := range s.Env.Identity.Keys {
		files[id+".pem"] = key
	}
	return files
}

// Callback says whether somebody in the cluster calls agentd back.
func (s *scope) Callback() bool {
	return slices.ContainsFunc(s.System.Names, func(n string) bool { return strings.HasPrefix(n, "agentd-callback.") })
}

// BundleName is the ConfigMap of the bundle; empty where it is fetched.
func (s *scope) BundleName() string {
	_, name, _ := strings.Cut(s.Env.Decisions.ConfigMap, "/")
	return name
}

// Collector is where traces go; empty where they go nowhere.
func (s *scope) Collector() string { return s.Env.Collector() }

// guardsPerPolicy of agentd's: one with a peer for each of very many guards would outgrow what etcd stores.
const guardsPerPolicy = 2000

// Policies are the names of agentd's network policies.
func (s *scope) Policies() []string {
	names := []string{"agentd"}
	for i := guardsPerPolicy; i < len(s.Env.Workloads)-1; i += guardsPerPolicy {
		names = append(names, fmt.Sprintf("agentd-%d", len(names)+1))
	}
	return names
}

// Applications are the names of those that are there, if they are the environment's: who syncs what, the delivery layer judges.
func (s *scope) Applications() []string {
	whole := s.Env.Fleet + "-" + s.Env.Name
	var names []string
	for _, o := range judge.Of(s.Env.Delivery, "Application") {
		// No name of an environment holds a dot.
		if name := o.GetName(); name == whole || strings.HasPrefix(name, whole+".") {
			names = append(names, name)
		}
	}
	return names
}

// NamespaceNames are those in which something runs, agentd's first.
func (s *scope) NamespaceNames() []string {
	var names []string
	for _, n := range s.Namespaces() {
		names = append(names, n.Namespace)
	}
	return names
}

// DashboardID is by which Grafana knows the dashboard.
func (s *scope) DashboardID() string {
	sum := sha256.Sum256([]byte(s.Env.Fleet + "-" + s.Env.Name))
	return "agents-" + hex.EncodeToString(sum[:])[:16]
}

// Scales says that an autoscaler decides how many pods there are.
func (s *scope) Scales() bool { return s.R.Replicas.Max > s.R.Replicas.Min }

// Issuer of certificates.
func (s *scope) Issuer() map[string]string {
	kind, name, _ := strings.Cut(s.Env.Identity.Issuer, "/")
	return map[string]string{"group": "cert-manager.io", "kind": kind, "name": name}
}

// Timeouts of the guard, as its flags say them.
func (s *scope) Timeouts() struct{ Request, Shutdown string } {
	return struct{ Request, Shutdown string }{milliseconds(s.callee.RequestMs).String(), milliseconds(s.callee.ShutdownMs).String()}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Grace is how many seconds a stopping pod has: five in which it goes on serving, and then its own.
func (s *scope) Grace() int64 {
	return int64((5*time.Second + milliseconds(s.callee.ShutdownMs) + time.Second - 1) / time.Second)
}

// ProbePaths are what the guard may ask the agent.
func (s *scope) ProbePaths() []string {
	p := s.R.Probes
	paths := []string{p.Startup.Path, p.Readiness.Path, p.Liveness.Path}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Series selects one metric of the fleet in PromQL.
func (s *scope) Series(metric string, matchers ...string) string {
	all := append([]string{fmt.Sprintf("fleet=%q,environment=%q", s.Env.Fleet, s.Env.Name)}, matchers...)
	return metric + "{" + strings.Join(all, ",") + "}"
}

// ErrorRate is the query by which a canary is judged.
func (s *scope) ErrorRate() string {
	calls := func(outcomes string) string {
		return "sum(increase(" + s.Series("agentc_guard_requests_total", fmt.Sprintf("agent=%q", s.W.Name),
			`pod=~"`+s.W.Name+`-{{args.canary-hash}}-.+"`, fmt.Sprintf("outcome=~%q", outcomes)) + "[5m]))"
	}
	all := calls("ok|failed")
	return "(" + calls("failed") + " or " + all + " * 0) / clamp_min(" + all + ", 1)"
}

// Alert is one rule of Prometheus.
func (s *scope) Alert(name, lasts, severity, owns, expr string) (string, error) {
	head, err := quoted(map[string]any{"alert": name, "expr": expr, "for": lasts, "labels": map[string]string{
		"severity": severity, "team": s.Env.Platform.Owners[owns], "fleet": s.Env.Fleet, "environment": s.Env.Name,
	}})
	return strings.TrimSuffix(head, "}") + `, "annotations": {"summary": !people , "runbook": !people }}`, err
}

// HalfRenewal is in seconds: a certificate that has no more left was not renewed in time.
func (s *scope) HalfRenewal() (int64, error) {
	d, err := time.ParseDuration(s.Env.Identity.RenewBefore)
	return int64(d / 2 / time.Second), err
}

// HalfLifetime of an escalation, in seconds.
func (s *scope) HalfLifetime() int64 {
	return int64(milliseconds(s.Env.Decisions.Escalation.LifetimeMs) / 2 / time.Second)
}

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
