package check

import (
	"strings"

	"agentc/compiler/model"
)

// nameReserved refuses names that the fleet's own parts have, or the cluster's.
func nameReserved(p *pass) {
	for _, doc := range p.Written.Agents {
		if doc.Agent.Metadata.Name == runtimeName {
			p.report(in(doc, "metadata.name"), "%q is the runtime's own name; choose another", runtimeName)
		}
		for name := range doc.Agent.Spec.Workload.Env {
			if strings.HasPrefix(name, "AGENTC_") {
				p.report(in(doc, "spec.workload.env.%s", name), "environment variables that begin with AGENTC_ are set by the compiler")
			}
		}
	}
	for _, env := range p.Environments {
		foreign := foreignNamespaces(env)
		for _, a := range env.Agents {
			if whose := foreign[a.Namespace]; whose != "" {
				p.report(in(a.Doc, "metadata.name"), "agent %s would live in namespace %s, which is %s; choose another name", a.Name, a.Namespace, whose)
			}
		}
		if whose := foreign[env.System.Namespace]; whose != "" && env.System.Namespace != model.Join(p.Name, "system") || strings.HasPrefix(env.System.Namespace, "kube-") {
			p.report(in(p.platform(), "spec.fleet"), "fleet %q would live in the cluster's own namespace %s; choose another name", p.Name, env.System.Namespace)
		}
	}
}

// foreignNamespaces are those that belong to somebody else, and to whom.
func foreignNamespaces(env *model.Environment) map[string]string {
	foreign := map[string]string{
		"default": "the cluster's", "kube-system": "the cluster's", "kube-public": "the cluster's", "kube-node-lease": "the cluster's",
		env.Fleet.Git.ArgoNamespace: "Argo CD's",
		env.Peers.DNS.Namespace:     "the cluster's DNS",
		env.System.Namespace:        "the runtime's",
	}
	if env.Peers.Prometheus != nil {
		foreign[env.Peers.Prometheus.Namespace] = "Prometheus's"
	}
	if env.Peers.OTLP != nil {
		foreign[env.Peers.OTLP.Namespace] = "the trace collector's"
	}
	for _, e := range env.Endpoints {
		if e.Pods != nil {
			foreign[e.Pods.Namespace] = "endpoint " + e.Name + "'s"
		}
	}
	for _, a := range env.Actuators {
		foreign[a.Namespace] = "actuator " + a.Name + "'s"
	}
	return foreign
}
