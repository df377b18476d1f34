package network

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// one is somebody who can be an end of a flow: a pod, something that Cilium has a reserved identity for, or a host outside.
type one struct {
	name      string // in findings: `agent detect`, `a pod with the labels of detect in namespace elsewhere`, `world`
	id        *identity.Identity
	namespace string
	account   string
	labels    map[string]string
	host      string // of one outside the cluster
	named     namedPorts

	workload *claims.Workload // whose pod it is
	subject  bool             // in a namespace of the fleet: our policies are about it
}

// foreign is a namespace that is not the fleet's.
const foreign = "elsewhere"

// universe is everybody.
type universe struct {
	env   *judge.Environment
	all   []*one
	next  identity.NumericIdentity
	local identity.NumericIdentity
	metas map[string]map[string]string // labels of the namespaces that are rendered
}

// newUniverse gathers who there is: the pods of every workload, as its controller makes them; the other parties to claimed flows; strangers
// of each kind that a policy could mistake for one of them; and what Cilium itself knows.
func newUniverse(env *judge.Environment, policies []*rendered) *universe {
	u := &universe{env: env, next: 1000, local: identity.IdentityScopeLocal + 1, metas: map[string]map[string]string{}}
	for _, ns := range judge.Of(env.Manifests, "Namespace") {
		u.metas[ns.GetName()] = ns.GetLabels()
	}
	templates := podTemplates(env)
	spaces := map[string]bool{}
	for i := range env.Workloads {
		w := &env.Workloads[i]
		spaces[w.Namespace] = true
		pod := templates[w.Namespace+"/"+w.Name]
		u.pod(&one{name: title(w), namespace: w.Namespace, account: w.Account, labels: pod.labels, named: pod.ports, workload: w, subject: true})
		u.pod(&one{name: "a pod like " + w.Name + " in another namespace", namespace: foreign, account: w.Account, labels: pod.labels})
		u.pod(&one{name: "a pod with the labels of " + w.Name + " and another service account", namespace: w.Namespace, account: "default", labels: pod.labels, subject: true})
	}
	for _, ns := range slices.Sorted(maps.Keys(spaces)) {
		u.pod(&one{name: "a pod without labels in namespace " + ns, namespace: ns, account: "default", subject: true})
	}
	u.parties()
	u.pod(&one{name: "a pod without labels in another namespace", namespace: foreign, account: "default"})
	u.reserved()
	u.hosts(policies)
	return u
}

func title(w *claims.Workload) string {
	if w.Guard == "" {
		return w.Name
	}
	return "agent " + w.Name
}

// parties are the pods that flows name and that are not the fleet's, each with two strangers: what has all of its marks but the namespace,
// and what has the namespace alone.
func (u *universe) parties() {
	bare := map[string]bool{}
	for i := range u.env.Parties {
		p := &u.env.Parties[i]
		if p.Workload != "" {
			continue
		}
		account := p.Account
		if account == "" {
			account = "default"
		}
		u.pod(&one{name: p.Name, namespace: p.Namespace, account: account, labels: p.Labels})
		u.pod(&one{name: "a pod like " + p.Name + " in another namespace", namespace: foreign, account: account, labels: p.Labels})
		if !bare[p.Namespace] {
			bare[p.Namespace] = true
			u.pod(&one{name: "a pod without labels in namespace " + p.Namespace, namespace: p.Namespace, account: "default"})
		}
	}
}

// pod adds a pod with the labels that Cilium gives it: its own, its namespace's, its service account and its cluster.
func (u *universe) pod(o *one) {
	set := map[string]string{}
	maps.Copy(set, o.labels)
	for key, value := range u.metas[o.namespace] {
		set["io.cilium.k8s.namespace.labels."+key] = value
	}
	set["io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name"] = o.namespace
	set["io.kubernetes.pod.namespace"] = o.namespace
	set["io.cilium.k8s.policy.serviceaccount"] = o.account
	set["io.cilium.k8s.policy.cluster"] = clusterName
	all := labels.Labels{}
	for key, value := range set {
		all[key] = labels.NewLabel(key, value, labels.LabelSourceK8s)
	}
	o.id = identity.NewIdentity(u.next, all)
	u.next++
	u.all = append(u.all, o)
}

// reserved are what Cilium knows without a pod.
func (u *universe) reserved() {
	for _, id := range []identity.NumericIdentity{
		identity.ReservedIdentityHost, identity.ReservedIdentityWorld, identity.ReservedIdentityUnmanaged, identity.ReservedIdentityHealth,
		identity.ReservedIdentityInit, identity.ReservedIdentityRemoteNode, identity.ReservedIdentityKubeAPIServer, identity.ReservedIdentityIngress,
		identity.ReservedIdentityWorldIPv4, identity.ReservedIdentityWorldIPv6,
	} {
		u.all = append(u.all, &one{name: id.String(), id: identity.LookupReservedIdentity(id)})
	}
	for _, address := range []string{"203.0.113.7/32", "10.96.0.1/32", "2001:db8::7/128"} {
		u.outside(&one{name: "address " + address}, labels.GetCIDRLabels(netip.MustParsePrefix(address)))
	}
}

// hosts are the names outside the cluster that the spec or a policy speaks of. Cilium gives the addresses of a name the label of every FQDN
// selector that matches it, whoever's policy it stands in.
func (u *universe) hosts(policies []*rendered) {
	var selectors []api.FQDNSelector
	names := map[string]bool{"unheard-of.example": true}
	for _, o := range u.env.Outside {
		for _, h := range o.Hosts {
			names[h] = true
		}
	}
	for _, p := range policies {
		for _, r := range p.rules {
			for _, e := range r.Egress {
				for _, s := range e.ToFQDNs {
					selectors = append(selectors, s)
					if s.MatchName != "" {
						names[strings.TrimSuffix(s.MatchName, ".")] = true
					}
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all := labels.NewFrom(labels.LabelWorld)
		for _, s := range selectors {
			if re, err := s.ToRegex(); err == nil && re.MatchString(name+".") {
				l := s.IdentityLabel()
				all[l.Key] = l
			}
		}
		u.outside(&one{name: "host " + name, host: name}, all)
	}
}

func (u *universe) outside(o *one, all labels.Labels) {
	o.id = identity.NewIdentity(u.local, all)
	u.local++
	u.all = append(u.all, o)
}

func (u *universe) identities() []*identity.Identity {
	var all []*identity.Identity
	for _, o := range u.all {
		all = append(all, o.id)
	}
	return all
}

// template is what is known of the pods of a rendered workload.
type template struct {
	labels map[string]string
	ports  namedPorts
}

// podTemplates are those of everything rendered that makes pods, by namespace and name.
func podTemplates(env *judge.Environment) map[string]template {
	all := map[string]template{}
	for _, o := range env.Manifests {
		if pod := podTemplate(o); pod != nil {
			all[o.GetNamespace()+"/"+o.GetName()] = *pod
		}
	}
	return all
}

func podTemplate(o *object.Object) *template {
	if kind := o.GetKind(); kind != "Deployment" && kind != "StatefulSet" && kind != "DaemonSet" {
		return nil
	}
	spec, _ := o.Object["spec"].(map[string]any)
	raw, _ := spec["template"].(map[string]any)
	var pod corev1.PodTemplateSpec
	if runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &pod) != nil {
		return nil // the schema says so
	}
	t := &template{pod.Labels, namedPorts{}}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, p := range c.Ports {
			t.ports[fmt.Sprintf("%s %s", p.Protocol, p.Name)] = uint16(p.ContainerPort)
		}
	}
	return t
}
