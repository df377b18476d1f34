package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"agentc/verify/claims"
	"agentc/verify/judge"
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
