//go:build judge

package prove

import (
	"fmt"
	"slices"
	"strings"
)

// Labels by which Cilium's policies know a peer.
const (
	byNamespace = "k8s:io.kubernetes.pod.namespace"
	byAccount   = "k8s:io.cilium.k8s.policy.serviceaccount"
)

const ciliumPolicy = "CiliumNetworkPolicy"

var networkKinds = []kind{
	{name: "ingress rule dropped", layers: "network", mutate: rules("ingress", func(o *object, i int) { o.remove("spec", "ingress", i) })},
	{name: "egress rule dropped", layers: "network", mutate: rules("egress", func(o *object, i int) { o.remove("spec", "egress", i) })},
	{name: "ingress from the whole namespace", layers: "network", mutate: rules("ingress", func(o *object, i int) { o.set(l(y{}), "spec", "ingress", i, "fromEndpoints") })},
	{name: "egress to the whole namespace", layers: "network", mutate: peerRules("egress", func(o *object, i int) { o.set(l(y{}), "spec", "egress", i, "toEndpoints") })},
	{name: "peer without its namespace", layers: "network", mutate: peers(notOwn, func(_ *object, peer y) { delete(dict(peer, "matchLabels"), byNamespace) })},
	{name: "peer without its namespace, within one namespace", layers: "network", equivalent: "Cilium adds the policy's own namespace where none is named",
		mutate: peers(own, func(_ *object, peer y) { delete(dict(peer, "matchLabels"), byNamespace) })},
	{name: "peer without its service account", layers: "network", mutate: peers(labelled(byAccount), func(_ *object, peer y) { delete(dict(peer, "matchLabels"), byAccount) })},
	{name: "peer without its pods' labels", layers: "network", mutate: peers(labelled(byNamespace), func(_ *object, peer y) {
		labels := dict(peer, "matchLabels")
		peer["matchLabels"] = y{byNamespace: labels[byNamespace]}
	})},
	{name: "peer in any namespace", layers: "network", mutate: peers(nil, func(_ *object, peer y) {
		delete(dict(peer, "matchLabels"), byNamespace)
		peer["matchExpressions"] = l(y{"key": byNamespace, "operator": "Exists"})
	})},
	{name: "peer in another namespace", layers: "network", mutate: peers(nil, func(_ *object, peer y) { set(peer, "elsewhere", "matchLabels", byNamespace) })},
	{name: "peer with another service account", layers: "network", mutate: peers(labelled(byAccount), func(_ *object, peer y) { set(peer, "default", "matchLabels", byAccount) })},
	{name: "peer known by a label that its pods choose", layers: "network", mutate: peers(labelled(byAccount), func(_ *object, peer y) {
		labels := dict(peer, "matchLabels")
		labels["k8s:agents.d/agent"] = labels[byAccount]
		delete(labels, byAccount)
	})},
	{name: "peer narrowed by a label", layers: "network", mutate: peers(nil, func(_ *object, peer y) { set(peer, "2", "matchLabels", "k8s:generation") })},
	{name: "peer twice", equivalent: "whoever may, may", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if has := o.list("spec", direction, i, peers); len(has) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				o.add([]any{"spec", direction, i, peers}, clone(has[0]))
			}
		})
	}},
	{name: "one of several peers dropped", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if several := o.list("spec", direction, i, peers); len(several) > 1 {
				for j := range several {
					if t.here(fmt.Sprint(direction, " ", i, ", peer ", j), o) {
						o.remove("spec", direction, i, peers, j)
					}
				}
			}
		})
	}},
	{name: "peers: []", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if len(o.list("spec", direction, i, peers)) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				o.set(l(), "spec", direction, i, peers)
			}
		})
	}},
	{name: "peers: null", layers: "network schema", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if len(o.list("spec", direction, i, peers)) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				o.set(nil, "spec", direction, i, peers)
			}
		})
	}},
	{name: "rule of ports alone", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if len(o.list("spec", direction, i, peers)) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				o.remove("spec", direction, i, peers)
			}
		})
	}},
	{name: "rule without ports", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, _ string, i int) {
			if t.here(fmt.Sprint(direction, " ", i), o) {
				o.remove("spec", direction, i, "toPorts")
			}
		})
	}},
	{name: "any port", layers: "network schema", mutate: ports(func(port y) { port["port"] = "0" })},
	{name: "range of ports", layers: "network", mutate: ports(func(port y) { port["endPort"] = 65535 })},
	{name: "range of one port", layers: "network", mutate: ports(func(port y) { port["endPort"] = number(str(port["port"])) + 1 })},
	{name: "range that ends before it begins", layers: "manifest", equivalent: "Cilium takes it for the one port", mutate: ports(func(port y) { port["endPort"] = number(str(port["port"])) - 1 })},
	{name: "another port", layers: "network", mutate: ports(func(port y) { port["port"] = fmt.Sprint(number(str(port["port"])) + 1) })},
	{name: "port as a number", layers: "schema", mutate: ports(func(port y) { port["port"] = number(str(port["port"])) })},
	{name: "another protocol", layers: "network", mutate: ports(func(port y) {
		if port["protocol"] == "UDP" {
			port["protocol"] = "SCTP"
		} else {
			port["protocol"] = "UDP"
		}
	})},
	{name: "any protocol", layers: "network schema", mutate: ports(func(port y) { port["protocol"] = "ANY" })},
	{name: "one of several ports dropped", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, _ string, i int) {
			if several := o.list("spec", direction, i, "toPorts", 0, "ports"); len(several) > 1 {
				for j := range several {
					if t.here(fmt.Sprint(direction, " ", i, ", port ", j), o) {
						o.remove("spec", direction, i, "toPorts", 0, "ports", j)
					}
				}
			}
		})
	}},
	{name: "port added", layers: "network", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, _ string, i int) {
			if t.here(fmt.Sprint(direction, " ", i), o) {
				o.add([]any{"spec", direction, i, "toPorts", 0, "ports"}, y{"port": "8099", "protocol": "TCP"})
			}
		})
	}},
	{name: "ingress from an entity added", layers: "network", mutate: entities("ingress", "fromEntities")},
	{name: "egress to an entity added", layers: "network", mutate: entities("egress", "toEntities")},
	{name: "ingress from any pod of the cluster added", layers: "network", mutate: policies(func(o *object) {
		o.add([]any{"spec", "ingress"}, y{"fromEndpoints": l(y{"matchExpressions": l(y{"key": byNamespace, "operator": "Exists"})})})
	})},
	{name: "egress to addresses added", layers: "network", mutate: addresses("egress", "toCIDR")},
	{name: "ingress from addresses added", layers: "network", mutate: addresses("ingress", "fromCIDR")},
	{name: "egress to addresses but some added", layers: "network", mutate: policies(func(o *object) {
		o.add([]any{"spec", "egress"}, y{"toCIDRSet": l(y{"cidr": "0.0.0.0/0", "except": l("10.0.0.0/8")})})
	})},
	{name: "egress to the API server added", layers: "network", mutate: policies(func(o *object) {
		o.add([]any{"spec", "egress"}, y{"toEntities": l("kube-apiserver"), "toPorts": l(y{"ports": l(y{"port": "6443", "protocol": "TCP"})})})
	})},
	{name: "egress to a service added", layers: "network schema", mutate: policies(func(o *object) {
		o.add([]any{"spec", "egress"}, y{"toServices": l(y{"k8sService": y{"serviceName": "kubernetes", "namespace": "default"}})})
	})},
	{name: "icmp added", layers: "network", mutate: policies(func(o *object) {
		o.add([]any{"spec", "egress"}, y{"icmps": l(y{"fields": l(y{"type": 8, "family": "IPv4"})})})
	})},
	{name: "deny added to ingress", layers: "network", mutate: policies(func(o *object) { o.set(l(y{"fromEntities": l("all")}), "spec", "ingressDeny") })},
	{name: "deny added to egress", layers: "network", mutate: policies(func(o *object) { o.set(l(y{"toEntities": l("cluster")}), "spec", "egressDeny") })},
	{name: "authentication added", layers: "network", mutate: rules("ingress", func(o *object, i int) { o.set(y{"mode": "required"}, "spec", "ingress", i, "authentication") })},
	{name: "http rules added", layers: "network", mutate: rules("ingress", func(o *object, i int) {
		o.set(y{"http": l(y{"method": "GET", "path": "/"})}, "spec", "ingress", i, "toPorts", 0, "rules")
	})},
	{name: "mixed peers", layers: "network schema", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if len(o.list("spec", direction, i, peers)) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				entity := map[string]string{"ingress": "fromEntities", "egress": "toEntities"}[direction]
				o.set(l("host"), "spec", direction, i, entity)
			}
		})
	}},
	{name: "misspelt peers", layers: "network schema", mutate: func(t *target) {
		eachRule(t, func(o *object, direction, peers string, i int) {
			if has := o.list("spec", direction, i, peers); len(has) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
				o.remove("spec", direction, i, peers)
				o.set(has, "spec", direction, i, strings.TrimSuffix(peers, "s"))
			}
		})
	}},
	{name: "another host", layers: "network", mutate: hosts(func(host y) { host["matchName"] = "elsewhere.example" })},
	{name: "any host", layers: "network", mutate: hosts(func(host y) { pattern(host, "*") })},
	{name: "any host of the domain", layers: "network", mutate: hosts(func(host y) {
		_, domain, _ := strings.Cut(str(host["matchName"]), ".")
		pattern(host, "*."+domain)
	})},
	{name: "host that begins alike", layers: "network", mutate: hosts(func(host y) { pattern(host, str(host["matchName"])+"*") })},
	{name: "host added", layers: "network", mutate: rulesWith("egress", "toFQDNs", func(o *object, i int) {
		o.add([]any{"spec", "egress", i, "toFQDNs"}, y{"matchName": "elsewhere.example"})
	})},
	{name: "host with a URL's characters", layers: "network schema", mutate: hosts(func(host y) { host["matchName"] = "https://" + str(host["matchName"]) })},
	{name: "names without rules", layers: "network", mutate: rulesWith("egress", "toPorts", func(o *object, i int) { o.remove("spec", "egress", i, "toPorts", 0, "rules") }, hasNames)},
	{name: "name dropped", layers: "network", mutate: names(func(o *object, i, j int) { o.remove(nameAt(i, j)...) })},
	{name: "name changed", layers: "network", mutate: names(func(o *object, i, j int) { o.set(y{"matchName": "elsewhere.example"}, nameAt(i, j)...) })},
	{name: "name added", layers: "network", mutate: dns(func(o *object, i int) { o.add(namesAt(i), y{"matchName": "elsewhere.example"}) })},
	{name: "every name", layers: "network", mutate: dns(func(o *object, i int) { o.add(namesAt(i), y{"matchPattern": "*"}) })},
	{name: "every name of the cluster", layers: "network", mutate: dns(func(o *object, i int) { o.add(namesAt(i), y{"matchPattern": "*.*.svc.cluster.local"}) })},
	{name: "names: []", layers: "network schema", mutate: dns(func(o *object, i int) { o.set(l(), namesAt(i)...) })},
	{name: "names allowed beside the rules", layers: "network", mutate: dns(func(o *object, i int) {
		o.add([]any{"spec", "egress", i, "toPorts"}, y{"ports": clone(o.at("spec", "egress", i, "toPorts", 0, "ports"))})
	})},
	{name: "names of any resolver", layers: "network", mutate: dns(func(o *object, i int) {
		o.remove("spec", "egress", i, "toEndpoints")
		o.set(l("world"), "spec", "egress", i, "toEntities")
	})},
	{name: "name with a dot at its end", equivalent: "to Cilium a name is the same with and without", mutate: names(func(o *object, i, j int) {
		o.set(y{"matchName": str(o.at(append(nameAt(i, j), "matchName")...)) + "."}, nameAt(i, j)...)
	})},
	{name: "rule moved to another agent", layers: "network", mutate: func(t *target) {
		all := t.of(ciliumPolicy)
		for i, from := range all {
			to := all[(i+1)%len(all)]
			for _, direction := range []string{"ingress", "egress"} {
				for j, rule := range from.list("spec", direction) {
					if slices.ContainsFunc(to.list("spec", direction), func(has any) bool { return same(has, rule) }) {
						continue // it would only be lost, which is another kind
					}
					if t.here(fmt.Sprint(direction, " ", j), from, to) {
						from.remove("spec", direction, j)
						to.add([]any{"spec", direction}, rule)
					}
				}
			}
		}
	}},
	{name: "selector empty", layers: "network", mutate: policies(func(o *object) { o.set(y{}, "spec", "endpointSelector") })},
	{name: "selector null", layers: "network schema", mutate: policies(func(o *object) { o.set(nil, "spec", "endpointSelector") })},
	{name: "selector dropped", layers: "network schema", mutate: policies(func(o *object) { o.remove("spec", "endpointSelector") })},
	{name: "selector with another account", layers: "network", mutate: policies(func(o *object) { o.set("default", "spec", "endpointSelector", "matchLabels", byAccount) })},
	{name: "selector with a foreign namespace", layers: "network", mutate: policies(func(o *object) {
		o.set(y{byNamespace: "elsewhere"}, "spec", "endpointSelector", "matchLabels")
	})},
	{name: "selector by a label that its pods choose", layers: "network", mutate: policies(func(o *object) {
		o.set(y{"k8s:agents.d/agent": o.name()}, "spec", "endpointSelector", "matchLabels")
	})},
	{name: "selector narrowed", layers: "network", mutate: policies(func(o *object) { o.set("2", "spec", "endpointSelector", "matchLabels", "k8s:generation") })},
	{name: "nodes selected", layers: "network schema", mutate: policies(func(o *object) {
		o.remove("spec", "endpointSelector")
		o.set(y{}, "spec", "nodeSelector")
	})},
	{name: "ingress: []", layers: "network schema", mutate: policies(func(o *object) { o.set(l(), "spec", "ingress") })},
	{name: "egress: []", layers: "network schema", mutate: policies(func(o *object) { o.set(l(), "spec", "egress") })},
	{name: "ingress left out", layers: "network", mutate: policies(func(o *object) { o.remove("spec", "ingress") })},
	{name: "egress left out", layers: "network", mutate: policies(func(o *object) { o.remove("spec", "egress") })},
	{name: "no default deny of ingress", layers: "manifest", equivalent: "the core default-deny beside it denies", mutate: policies(func(o *object) { o.set(false, "spec", "enableDefaultDeny", "ingress") })},
	{name: "no default deny of egress", layers: "manifest", equivalent: "the core default-deny beside it denies", mutate: policies(func(o *object) { o.set(false, "spec", "enableDefaultDeny", "egress") })},
	{name: "default deny left out", layers: "manifest", equivalent: "rules in a direction deny the rest of it by themselves", mutate: policies(func(o *object) { o.remove("spec", "enableDefaultDeny") })},
	{name: "policy dropped", layers: "network", mutate: policies(func(o *object) { o.dropped = true })},
	{name: "policy in another namespace", layers: "network", mutate: policies(func(o *object) { o.set("elsewhere", "metadata", "namespace") })},
	{name: "policy without a namespace", layers: "network delivery schema", mutate: policies(func(o *object) { o.remove("metadata", "namespace") })},
	{name: "policy for the whole cluster", layers: "network delivery", mutate: policies(func(o *object) {
		o.set("CiliumClusterwideNetworkPolicy", "kind")
		o.remove("metadata", "namespace")
	})},
	{name: "policy of another version", layers: "network schema", mutate: policies(func(o *object) { o.set("cilium.io/v1", "apiVersion") })},
	{name: "rules in another order", equivalent: "the rules of a policy are a union", mutate: policies(func(o *object) {
		for _, direction := range []string{"ingress", "egress"} {
			slices.Reverse(o.list("spec", direction))
		}
	})},
	{name: "core default-deny dropped", layers: "network", mutate: denials(func(o *object) { o.dropped = true })},
	{name: "core default-deny with an empty rule", layers: "network", mutate: denials(func(o *object) { o.set(l(y{}), "spec", "ingress") })},
	{name: "core default-deny with an empty rule of egress", layers: "network", mutate: denials(func(o *object) { o.set(l(y{}), "spec", "egress") })},
	{name: "core default-deny of ingress alone", layers: "network", mutate: denials(func(o *object) { o.set(l("Ingress"), "spec", "policyTypes") })},
	{name: "core default-deny of egress alone", layers: "network", mutate: denials(func(o *object) { o.set(l("Egress"), "spec", "policyTypes") })},
	{name: "core default-deny of some pods", layers: "network", mutate: denials(func(o *object) { o.set(y{"generation": "2"}, "spec", "podSelector", "matchLabels") })},
	{name: "core policy of a stranger", layers: "network", mutate: stranger(y{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": y{"name": "more"},
		"spec": y{"podSelector": y{}, "policyTypes": l("Ingress"), "ingress": l(y{"from": l(y{"namespaceSelector": y{}})})},
	})},
	{name: "policy of a stranger", layers: "network", mutate: stranger(y{
		"apiVersion": "cilium.io/v2", "kind": ciliumPolicy, "metadata": y{"name": "more"},
		"spec": y{"endpointSelector": y{}, "egress": l(y{"toEntities": l("world")})},
	})},
	{name: "policy of a stranger, in a list", layers: "network", mutate: stranger(y{
		"apiVersion": "cilium.io/v2", "kind": ciliumPolicy, "metadata": y{"name": "more"},
		"specs": l(y{"endpointSelector": y{}, "ingress": l(y{"fromEntities": l("cluster")})}),
	})},
	{name: "policy of a stranger for the whole cluster", layers: "network", mutate: stranger(y{
		"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": y{"name": "more"},
		"spec": y{"endpointSelector": y{}, "egress": l(y{"toEntities": l("all")})},
	})},
	{name: "policy of a stranger that denies", layers: "network", mutate: stranger(y{
		"apiVersion": "cilium.io/v2", "kind": ciliumPolicy, "metadata": y{"name": "less"},
		"spec": y{"endpointSelector": y{}, "ingressDeny": l(y{"fromEntities": l("all")})},
	})},
	{name: "policies of a stranger in a List", layers: "network schema workload delivery", mutate: func(t *target) {
		if t.here("a List") {
			t.add("manifests/"+t.system()+"/more.yaml", y{"apiVersion": "v1", "kind": "List", "items": l(y{
				"apiVersion": "cilium.io/v2", "kind": ciliumPolicy, "metadata": y{"name": "more", "namespace": t.system()},
				"spec": y{"endpointSelector": y{}, "egress": l(y{"toEntities": l("world")})},
			})})
		}
	}},
	{name: "policy of a stranger where Argo CD does not look", equivalent: "the Application takes only *.yaml", mutate: func(t *target) {
		if t.here("more.yml") {
			t.add("manifests/"+t.system()+"/more.yml", y{
				"apiVersion": "cilium.io/v2", "kind": ciliumPolicy, "metadata": y{"name": "more", "namespace": t.system()},
				"spec": y{"endpointSelector": y{}, "egress": l(y{"toEntities": l("world")})},
			})
		}
	}},
}

// policies changes each agent's policy as a whole.
func policies(change func(*object)) mutator {
	return each("the policy", change, ciliumPolicy)
}

func denials(change func(*object)) mutator { return each("default-deny", change, "NetworkPolicy") }

// rules changes each rule of a direction that is about somebody.
func rules(direction string, change func(*object, int)) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for i, rule := range o.list("spec", direction) {
				if len(dict(rule)) > 0 && t.here(fmt.Sprint(direction, " ", i), o) {
					change(o, i)
				}
			}
		}
	}
}

// rulesWith are those that have a field, and of them those that match.
func rulesWith(direction, field string, change func(*object, int), match ...func(any) bool) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for i, rule := range o.list("spec", direction) {
				if len(list(rule, field)) > 0 && !slices.ContainsFunc(match, func(m func(any) bool) bool { return !m(rule) }) && t.here(fmt.Sprint(direction, " ", i), o) {
					change(o, i)
				}
			}
		}
	}
}

// peerRules are the rules of egress that name pods.
func peerRules(direction string, change func(*object, int)) mutator {
	return rulesWith(direction, "toEndpoints", change)
}

func hasNames(rule any) bool { return at(rule, "toPorts", 0, "rules", "dns") != nil }

// dns are the rules about names.
func dns(change func(*object, int)) mutator { return rulesWith("egress", "toPorts", change, hasNames) }

func namesAt(rule int) []any { return []any{"spec", "egress", rule, "toPorts", 0, "rules", "dns"} }

func nameAt(rule, name int) []any { return append(namesAt(rule), name) }

// names changes each name that may be resolved.
func names(change func(o *object, rule, name int)) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for i := range o.list("spec", "egress") {
				for j, name := range o.list(namesAt(i)...) {
					if t.here("name "+str(at(name, "matchName")), o) {
						change(o, i, j)
					}
				}
			}
		}
	}
}

// eachRule goes through all rules that are about somebody, with the field of their peers that are pods.
func eachRule(t *target, do func(o *object, direction, peers string, rule int)) {
	for _, o := range t.of(ciliumPolicy) {
		for _, direction := range []string{"ingress", "egress"} {
			peers := map[string]string{"ingress": "fromEndpoints", "egress": "toEndpoints"}[direction]
			for i, rule := range o.list("spec", direction) {
				if len(dict(rule)) > 0 {
					do(o, direction, peers, i)
				}
			}
		}
	}
}

// peers changes each peer that matches.
func peers(match func(*object, y) bool, change func(*object, y)) mutator {
	return func(t *target) {
		eachRule(t, func(o *object, direction, field string, i int) {
			for j, peer := range o.list("spec", direction, i, field) {
				if (match == nil || match(o, peer.(y))) && t.here(fmt.Sprint(direction, " ", i, ", peer ", j), o) {
					change(o, peer.(y))
				}
			}
		})
	}
}

func own(o *object, peer y) bool { return at(peer, "matchLabels", byNamespace) == o.namespace() }

func notOwn(o *object, peer y) bool { return !own(o, peer) }

func labelled(key string) func(*object, y) bool {
	return func(_ *object, peer y) bool { return at(peer, "matchLabels", key) != nil }
}

// ports changes each port of each rule.
func ports(change func(y)) mutator {
	return func(t *target) {
		eachRule(t, func(o *object, direction, _ string, i int) {
			for j, port := range o.list("spec", direction, i, "toPorts", 0, "ports") {
				if t.here(fmt.Sprint(direction, " ", i, ", port ", j), o) {
					change(port.(y))
				}
			}
		})
	}
}

func number(port string) int {
	var n int
	fmt.Sscan(port, &n)
	return n
}

// hosts changes each host outside the cluster.
func hosts(change func(y)) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for i := range o.list("spec", "egress") {
				for _, host := range o.list("spec", "egress", i, "toFQDNs") {
					if t.here("host "+str(at(host, "matchName")), o) {
						change(host.(y))
					}
				}
			}
		}
	}
}

func pattern(host y, pattern string) {
	delete(host, "matchName")
	host["matchPattern"] = pattern
}

// entities adds a rule for each of them.
func entities(direction, field string) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for _, entity := range []string{"all", "cluster", "world", "host", "remote-node", "kube-apiserver", "init", "unmanaged", "health", "ingress"} {
				if t.here(entity, o) {
					o.add([]any{"spec", direction}, y{field: l(entity)})
				}
			}
		}
	}
}

// addresses adds a rule for some.
func addresses(direction, field string) mutator {
	return func(t *target) {
		for _, o := range t.of(ciliumPolicy) {
			for _, prefix := range []string{"0.0.0.0/0", "::/0", "203.0.113.0/24", "10.96.0.1/32"} {
				if t.here(prefix, o) {
					o.add([]any{"spec", direction}, y{field: l(prefix), "toPorts": l(y{"ports": l(y{"port": "443", "protocol": "TCP"})})})
				}
			}
		}
	}
}

// stranger adds an object of somebody else's to each namespace of the fleet.
func stranger(o y) mutator {
	return func(t *target) {
		for _, ns := range t.of("Namespace") {
			if t.here("namespace " + ns.name()) {
				more := clone(o).(y)
				if more["kind"] != "CiliumClusterwideNetworkPolicy" {
					set(more, ns.name(), "metadata", "namespace")
				}
				t.add("manifests/"+ns.name()+"/more.yaml", more)
			}
		}
	}
}

func same(a, b any) bool { return string(indented(a)) == string(indented(b)) }
