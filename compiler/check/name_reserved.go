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
	}
	for i, c := range p.platform().Platform.Spec.Clients {
		if c.Name == runtimeName {
			p.report(in(p.platform(), "spec.clients[%d].name", i), "%q is the runtime's own name; choose another", runtimeName)
		}
	}
	for i, e := range p.platform().Platform.Spec.Endpoints {
		if e.Credential != nil && strings.HasSuffix(e.Credential.Secret, "-tls") {
			p.report(in(p.platform(), "spec.endpoints[%d].credential.secret", i), "Secrets whose names end in -tls hold the agents' own keys, which are shown to nobody; choose another name")
		}
	}
	for i, e := range p.platform().Platform.Spec.Environments {
		if e.Name == "codeowners" { // where a disk makes no difference of case
			p.report(in(p.platform(), "spec.environments[%d].name", i), "the folder of environment %q would be the file CODEOWNERS on some disks; choose another name", e.Name)
		}
	}
	fleet := in(p.platform(), "spec.fleet")
	if argo := p.Git.ArgoNamespace; strings.HasPrefix(argo, p.Name+"-") {
		p.report(fleet, "namespaces of fleet %q begin with %q, and so does Argo CD's, %s, which its Applications must not change; choose another name",
			p.Name, p.Name+"-", argo)
	}
	for _, env := range p.Environments {
		foreign := foreignNamespaces(env)
		system := env.System.Namespace
		if whose := foreign[system]; whose != "" || strings.HasPrefix(system, "kube-") {
			p.reportIn(env, fleet, "fleet %q would live in namespace %s, which is %s; choose another name", p.Name, system, orTheClusters(whose))
		}
		foreign[system] = "the runtime's"
		for _, a := range env.Agents {
			p.reservedVariables(env, a)
			if whose := foreign[a.Namespace]; whose != "" {
				p.reportIn(env, in(a.Doc, "metadata.name"), "%s would live in namespace %s, which is %s; choose another name", owner(a), a.Namespace, whose)
			}
		}
	}
}

// reservedVariables refuses variables that the compiler sets itself, wherever they are written.
func (p *pass) reservedVariables(env *model.Environment, a *model.Agent) {
	for _, v := range a.Workload.Env {
		if strings.HasPrefix(v.Name, "AGENTC_") {
			p.reportIn(env, a.At("workload.env."+v.Name), "variable %s: names that begin with AGENTC_ are the compiler's; choose another", v.Name)
		}
	}
}

func orTheClusters(whose string) string {
	if whose == "" {
		return "the cluster's"
	}
	return whose
}

// foreignNamespaces are those that belong to somebody else, and to whom.
func foreignNamespaces(env *model.Environment) map[string]string {
	foreign := map[string]string{env.Fleet.Git.ArgoNamespace: "Argo CD's", env.Peers.DNS.Namespace: "the cluster's DNS"}
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
	for _, c := range env.From.Doc.Platform.Spec.Clients {
		foreign[c.Namespace] = "client " + c.Name + "'s"
	}
	for _, x := range env.From.Doc.Platform.Spec.Intake {
		if x.Client != nil {
			foreign[x.Client.Namespace] = "intake " + x.Name + "'s"
		}
	}
	for _, own := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		foreign[own] = "the cluster's"
	}
	delete(foreign, "") // a namespace that could not be read
	return foreign
}
