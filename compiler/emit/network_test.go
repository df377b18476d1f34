package emit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy/api"
	gocmp "github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// networkEnv is a fleet of four with every kind of edge: detect → analyse → remediate, the intake → detect, a client → analyse,
// remediate and audit in one namespace, and audit, which asks for nothing.
func networkEnv() *model.Environment {
	platform := &schema.Document{File: "agents.d/platform.yaml"}
	env := &model.Environment{
		Fleet: &model.Fleet{
			Name:  "soc",
			Teams: []schema.Team{{Name: "ai", Owns: "agents"}, {Name: "ops", Email: "ops@soc.example", Owns: "platform"}},
		},
		Name: "prod", ClusterDomain: "cluster.local", Trust: "key",
		Keys: []schema.PublicKey{{ID: "k1", Key: "PEM\n"}},
		Peers: model.Peers{
			DNS:        schema.Peer{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Port: 53},
			Prometheus: &schema.Peer{Namespace: "monitoring", Labels: map[string]string{"app": "prometheus"}},
			OTLP:       &schema.Peer{Namespace: "tracing", Labels: map[string]string{"app": "otel"}, Port: 4317, Host: "otel.tracing.svc.cluster.local"},
		},
		From: schema.Ref{Doc: platform, Path: "spec.environments[0]"},
	}
	env.System = networkIdentity("agentd", "soc-system")
	for i, e := range []model.Endpoint{
		{Name: "chat", Type: "mattermost", Host: "chat.mm.svc.cluster.local", Port: 8065, Pods: &schema.Pods{Namespace: "mm", ServiceAccount: "mattermost"}},
		{Name: "kafka", Type: "kafka", Host: "kafka.soc.example", Aliases: []string{"kafka-0.soc.example"}, Port: 9093},
		{Name: "mistral", Type: "model", Host: "api.models.example", Port: 443},
		{Name: "mistral-batch", Type: "model", Host: "api.models.example", Port: 8443},
	} {
		e.From = schema.Ref{Doc: platform, Path: fmt.Sprintf("spec.endpoints[%d]", i)}
		env.Endpoints = append(env.Endpoints, &e)
	}
	env.Runtime = model.Runtime{
		Image: "registry.example/agentd:1.0.0@sha256:" + strings.Repeat("a", 64), Replicas: 2,
		Endpoints: env.Endpoints[:2], From: schema.Ref{Doc: platform, Path: "spec.runtime"},
	}

	analyse := networkAgent(env, "analyse", "soc-analyse")
	audit := networkAgent(env, "audit", "soc-team")
	detect := networkAgent(env, "detect", "soc-detect")
	remediate := networkAgent(env, "remediate", "soc-team")
	env.Agents = []*model.Agent{analyse, audit, detect, remediate}
	env.Namespaces = []*model.Namespace{
		{Name: "soc-analyse", Agents: []*model.Agent{analyse}},
		{Name: "soc-detect", Agents: []*model.Agent{detect}},
		{Name: "soc-team", Agents: []*model.Agent{audit, remediate}},
	}
	sidekick := networkIdentity("sidekick", "falco")
	env.Intakes = []*model.Intake{
		{Name: "events", Endpoint: env.Endpoints[1], Topic: "events", To: detect, From: schema.Ref{Doc: platform, Path: "spec.intake[0]"}},
		{Name: "posted", Client: &sidekick, To: detect, From: schema.Ref{Doc: platform, Path: "spec.intake[1]"}},
	}
	env.Page = &model.Page{URL: "https://approvals.soc.example", Host: "approvals.soc.example", Pods: schema.Pods{Namespace: "gateway", ServiceAccount: "envoy"},
		From: schema.Ref{Doc: platform, Path: "spec.runtime.page.url"}}
	networkEdge(detect, analyse)
	networkEdge(analyse, remediate)
	detect.Callers = append(detect.Callers, &model.Edge{
		Caller: env.System, Callee: detect,
		Requested: schema.Ref{Doc: platform, Path: "spec.intake[0]"}, Accepted: schema.Ref{Doc: detect.Doc, Path: "spec.accepts[0]"},
	})
	analyse.Callers = append(analyse.Callers, &model.Edge{
		Caller: model.Identity{Name: "portal", Account: "chat", Namespace: "web"}, Callee: analyse,
		Requested: schema.Ref{Doc: platform, Path: "spec.clients[0].requests[0]"}, Accepted: schema.Ref{Doc: analyse.Doc, Path: "spec.accepts[1]"},
	})
	for i, e := range env.Endpoints[2:] {
		analyse.Uses = append(analyse.Uses, &model.Use{Endpoint: e, From: schema.Ref{Doc: analyse.Doc, Path: fmt.Sprintf("spec.endpoints[%d]", i)}})
	}
	return env
}

func networkIdentity(name, namespace string) model.Identity {
	return model.Identity{Name: name, Account: name, Namespace: namespace, Host: name + "." + namespace + ".svc.cluster.local"}
}

func networkAgent(env *model.Environment, name, namespace string) *model.Agent {
	return &model.Agent{
		Identity: networkIdentity(name, namespace), Env: env, Team: env.Fleet.Teams[0],
		Doc: &schema.Document{File: "agents.d/" + name + ".yaml"},
	}
}

func networkEdge(caller, callee *model.Agent) {
	e := &model.Edge{
		Caller: caller.Identity, CallerAgent: caller, Callee: callee,
		Requested: schema.Ref{Doc: caller.Doc, Path: "spec.requests[0]"}, Accepted: schema.Ref{Doc: callee.Doc, Path: "spec.accepts[0]"},
	}
	caller.Calls = append(caller.Calls, e)
	callee.Callers = append(callee.Callers, e)
}

// policiesOf emits the network and agentd's policies.
func policiesOf(t *testing.T, env *model.Environment) []artifact.Object {
	t.Helper()
	out := &Out{}
	if err := network(env, out); err != nil {
		t.Fatal(err)
	}
	for _, p := range runtimePolicies(env) {
		if err := p.add(out, systemFile(env, runtimeName)); err != nil {
			t.Fatal(err)
		}
	}
	return out.Objects
}

// ciliumOf reads every CiliumNetworkPolicy back, strictly, from its YAML, and puts it through the checks of Cilium's agent.
func ciliumOf(t *testing.T, env *model.Environment) []*ciliumv2.CiliumNetworkPolicy {
	t.Helper()
	option.Config.EnableL7Proxy, option.Config.EnableNonDefaultDenyPolicies = true, true
	var all []*ciliumv2.CiliumNetworkPolicy
	for _, o := range policiesOf(t, env) {
		if _, core := o.Value.(*networkingv1.NetworkPolicy); core {
			continue
		}
		text, err := yaml.Marshal(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		read := &ciliumv2.CiliumNetworkPolicy{}
		if err := yaml.UnmarshalStrict(text, read); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again, _ := yaml.Marshal(read); string(again) != string(text) {
			t.Errorf("reading back changes %s:\n%s", read.Name, gocmp.Diff(string(text), string(again)))
		}
		if _, err := read.DeepCopy().Parse(slog.New(slog.DiscardHandler), "default"); err != nil {
			t.Errorf("%s/%s: Cilium refuses it, and so would not enforce it: %v", read.Namespace, read.Name, err)
		}
		all = append(all, read)
	}
	return all
}

// flows reads off a policy what it allows: `detect out analyse 8443/TCP`. It fails on every form that Cilium would read as
// more, or as nothing.
func flows(t *testing.T, p *ciliumv2.CiliumNetworkPolicy) (all []string) {
	t.Helper()
	who := p.Spec.EndpointSelector.MatchLabels["k8s:io.cilium.k8s.policy.serviceaccount"]
	if who == "" || len(p.Spec.EndpointSelector.MatchLabels) != 1 || p.Specs != nil {
		t.Fatalf("%s does not select one service account: %v", p.Name, p.Spec.EndpointSelector)
	}
	if d := p.Spec.EnableDefaultDeny; d.Ingress == nil || d.Egress == nil || !*d.Ingress || !*d.Egress {
		t.Errorf("%s does not state default deny", p.Name)
	}
	if len(p.Spec.Ingress) == 0 || len(p.Spec.Egress) == 0 {
		t.Errorf("%s leaves a direction out", p.Name)
	}
	for i, r := range p.Spec.Ingress {
		if r.Authentication != nil || r.ICMPs != nil || r.FromEntities != nil || r.FromCIDR != nil || r.FromCIDRSet != nil || (len(r.FromEndpoints) == 0) != (len(r.ToPorts) == 0) {
			t.Errorf("%s: ingress[%d] is not a list of pods and a port", p.Name, i)
		}
		for _, peer := range r.FromEndpoints {
			all = append(all, portsOf(t, who+" in "+peerName(t, peer), r.ToPorts)...)
		}
	}
	for i, r := range p.Spec.Egress {
		if r.Authentication != nil || r.ICMPs != nil || r.ToEntities != nil || r.ToCIDR != nil || r.ToCIDRSet != nil || r.ToServices != nil || (len(r.ToEndpoints)+len(r.ToFQDNs) == 0) != (len(r.ToPorts) == 0) {
			t.Errorf("%s: egress[%d] is not pods or a name, and a port", p.Name, i)
		}
		for _, peer := range r.ToEndpoints {
			all = append(all, portsOf(t, who+" out "+peerName(t, peer), r.ToPorts)...)
		}
		for _, name := range r.ToFQDNs {
			if name.MatchPattern != "" {
				t.Errorf("%s: egress[%d] has a pattern", p.Name, i)
			}
			all = append(all, portsOf(t, who+" out "+name.MatchName, r.ToPorts)...)
		}
	}
	return all
}

// peerName is `ns/serviceaccount`, with other labels behind it.
func peerName(t *testing.T, s api.EndpointSelector) string {
	t.Helper()
	name := s.MatchLabels["k8s:io.kubernetes.pod.namespace"] + "/" + s.MatchLabels["k8s:io.cilium.k8s.policy.serviceaccount"]
	if strings.HasPrefix(name, "/") || len(s.MatchLabels) < 2 || s.MatchExpressions != nil {
		t.Errorf("selector %v is open", s)
	}
	for key, value := range s.MatchLabels {
		if !strings.HasPrefix(key, "k8s:io.") {
			name += strings.TrimPrefix(key, "k8s:") + "=" + value
		}
	}
	return name
}

func portsOf(t *testing.T, flow string, rules api.PortRules) (all []string) {
	t.Helper()
	for _, r := range rules {
		names := ""
		if r.Rules != nil {
			if r.Rules.HTTP != nil || len(r.Rules.DNS) == 0 {
				t.Errorf("%s has an L7 rule that does not list names", flow)
			}
			for _, n := range r.Rules.DNS {
				names += " " + n.MatchName + n.MatchPattern
			}
		}
		for _, port := range r.Ports {
			all = append(all, fmt.Sprintf("%s %s/%s%s", flow, port.Port, port.Protocol, names))
		}
	}
	return all
}

func allFlows(t *testing.T, env *model.Environment) []string {
	t.Helper()
	var all []string
	for _, p := range ciliumOf(t, env) {
		all = append(all, flows(t, p)...)
	}
	return all
}

func TestNetworkAllowsExactlyWhatTheFleetSays(t *testing.T) {
	const (
		dns    = "kube-system/k8s-app=kube-dns 53/"
		agentd = "agentd.soc-system.svc.cluster.local"
		otel   = "otel.tracing.svc.cluster.local"
	)
	want := []string{
		"analyse in soc-detect/detect 8443/TCP",
		"analyse in web/chat 8443/TCP",
		"analyse in monitoring/app=prometheus 9090/TCP",
		"analyse out soc-team/remediate 8443/TCP",
		"analyse out api.models.example 443/TCP",
		"analyse out api.models.example 8443/TCP",
		"analyse out soc-system/agentd 8444/TCP",
		"analyse out tracing/app=otel 4317/TCP",
		"analyse out " + dns + "UDP " + agentd + " api.models.example " + otel + " remediate.soc-team.svc.cluster.local",
		"analyse out " + dns + "TCP " + agentd + " api.models.example " + otel + " remediate.soc-team.svc.cluster.local",

		"audit in monitoring/app=prometheus 9090/TCP",
		"audit out soc-system/agentd 8444/TCP",
		"audit out tracing/app=otel 4317/TCP",
		"audit out " + dns + "UDP " + agentd + " " + otel,
		"audit out " + dns + "TCP " + agentd + " " + otel,

		"detect in soc-system/agentd 8443/TCP",
		"detect in monitoring/app=prometheus 9090/TCP",
		"detect out soc-analyse/analyse 8443/TCP",
		"detect out soc-system/agentd 8444/TCP",
		"detect out tracing/app=otel 4317/TCP",
		"detect out " + dns + "UDP " + agentd + " analyse.soc-analyse.svc.cluster.local " + otel,
		"detect out " + dns + "TCP " + agentd + " analyse.soc-analyse.svc.cluster.local " + otel,

		"remediate in soc-analyse/analyse 8443/TCP",
		"remediate in monitoring/app=prometheus 9090/TCP",
		"remediate out soc-system/agentd 8444/TCP",
		"remediate out tracing/app=otel 4317/TCP",
		"remediate out " + dns + "UDP " + agentd + " " + otel,
		"remediate out " + dns + "TCP " + agentd + " " + otel,

		"agentd in soc-analyse/analyse 8444/TCP",
		"agentd in soc-team/audit 8444/TCP",
		"agentd in soc-detect/detect 8444/TCP",
		"agentd in soc-team/remediate 8444/TCP",
		"agentd in monitoring/app=prometheus 9090/TCP",
		"agentd in mm/mattermost 8445/TCP",
		"agentd in falco/sidekick 8444/TCP",
		"agentd in gateway/envoy 8444/TCP",
		"agentd out soc-detect/detect 8443/TCP",
		"agentd out mm/mattermost 8065/TCP",
		"agentd out kafka.soc.example 9093/TCP",
		"agentd out kafka-0.soc.example 9093/TCP",
		"agentd out tracing/app=otel 4317/TCP",
		"agentd out " + dns + "UDP chat.mm.svc.cluster.local detect.soc-detect.svc.cluster.local kafka-0.soc.example kafka.soc.example " + otel,
		"agentd out " + dns + "TCP chat.mm.svc.cluster.local detect.soc-detect.svc.cluster.local kafka-0.soc.example kafka.soc.example " + otel,
	}
	if diff := gocmp.Diff(want, allFlows(t, networkEnv())); diff != "" {
		t.Error(diff)
	}
}

// An agent that reads all its events from a topic is not called by agentd. One other intake is enough for it to be.
func TestNetworkOfForwardedEvents(t *testing.T) {
	const in, out = "detect in soc-system/agentd 8443/TCP", "agentd out soc-detect/detect 8443/TCP"
	env := networkEnv()
	for i, want := range []bool{true, false} {
		env.Intakes[i].Forward = &model.Topic{Endpoint: env.Endpoints[1], Topic: "unusual"}
		all := allFlows(t, env)
		if slices.Contains(all, in) != want || slices.Contains(all, out) != want {
			t.Errorf("%d of 2 intakes forward: %q", i+1, all)
		}
		asked := slices.ContainsFunc(all, func(f string) bool {
			return strings.HasPrefix(f, "agentd out kube-system/") && strings.Contains(f, "detect.soc-detect")
		})
		if asked != want {
			t.Errorf("%d of 2 intakes forward: agentd may resolve detect: %v", i+1, asked)
		}
	}
}

// Both ends of every edge must allow it, and nothing else may pass between two workloads of the fleet.
func TestNetworkTriplesAreTheModelsEdges(t *testing.T) {
	env := networkEnv()
	var want []string
	triple := func(caller, callee model.Identity, port int) {
		want = append(want, fmt.Sprintf("%s > %s %d/TCP", caller.Name, callee.Name, port))
	}
	for _, a := range env.Agents {
		triple(a.Identity, env.System, model.PortDecision)
		for _, e := range a.Callers {
			if strings.HasPrefix(e.Caller.Namespace, "soc-") { // a client's own egress is not ours to write
				triple(e.Caller, a.Identity, model.PortA2A)
			}
		}
	}
	in, out := map[string]bool{}, map[string]bool{}
	for _, flow := range allFlows(t, env) {
		f := strings.Fields(flow)
		namespace, name, _ := strings.Cut(f[2], "/")
		if !strings.HasPrefix(namespace, "soc-") {
			continue
		}
		if f[1] == "in" {
			in[name+" > "+f[0]+" "+f[3]] = true
		} else {
			out[f[0]+" > "+name+" "+f[3]] = true
		}
	}
	for side, got := range map[string]map[string]bool{"ingress": in, "egress": out} {
		wanted := map[string]bool{}
		for _, w := range want {
			wanted[w] = true
		}
		if diff := gocmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s: %s", side, diff)
		}
	}
}

func TestNetworkOfNothing(t *testing.T) {
	lone := func() *model.Environment {
		env := networkEnv()
		env.Peers.Prometheus, env.Peers.OTLP = nil, nil
		env.Runtime.Endpoints, env.Intakes, env.Page = nil, nil, nil
		env.Agents = env.Agents[1:2]
		return env
	}
	for _, c := range []struct {
		name   string
		change func(*model.Environment)
		want   []string
	}{
		{"an agent that asks for nothing", func(*model.Environment) {}, []string{
			"audit out soc-system/agentd 8444/TCP",
			"audit out kube-system/k8s-app=kube-dns 53/UDP agentd.soc-system.svc.cluster.local",
			"audit out kube-system/k8s-app=kube-dns 53/TCP agentd.soc-system.svc.cluster.local",
			"agentd in soc-team/audit 8444/TCP",
		}},
		{"no agents", func(e *model.Environment) { e.Agents = nil }, nil},
		{"Mattermost outside the cluster", func(e *model.Environment) {
			e.Agents = nil
			e.Runtime.Endpoints = []*model.Endpoint{{Name: "chat", Type: "mattermost", Host: "chat.example", Port: 443}}
		}, []string{
			"agentd out chat.example 443/TCP",
			"agentd out kube-system/k8s-app=kube-dns 53/UDP chat.example",
			"agentd out kube-system/k8s-app=kube-dns 53/TCP chat.example",
		}},
		{"Kafka in the cluster, which calls nobody back", func(e *model.Environment) {
			e.Agents = nil
			e.Runtime.Endpoints = []*model.Endpoint{{Name: "kafka", Type: "kafka", Host: "kafka.example", Port: 9093,
				Pods: &schema.Pods{Namespace: "kafka", Labels: map[string]string{"app": "kafka"}}}}
		}, []string{
			"agentd out kafka/app=kafka 9093/TCP",
			"agentd out kube-system/k8s-app=kube-dns 53/UDP kafka.example",
			"agentd out kube-system/k8s-app=kube-dns 53/TCP kafka.example",
		}},
	} {
		env := lone()
		c.change(env)
		if diff := gocmp.Diff(c.want, allFlows(t, env)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestNetworkRefusesWhatCiliumWouldWiden(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*model.Environment)
	}{
		{"0 is no port", func(e *model.Environment) { e.Peers.OTLP.Port = 0 }},
		{"0 is no port", func(e *model.Environment) { e.Endpoints[2].Port = 0 }},
		{"the pods of prometheus need a namespace", func(e *model.Environment) { e.Peers.Prometheus.Namespace = "" }},
		{"the pods of dns need a namespace", func(e *model.Environment) { e.Peers.DNS.Labels = nil }},
		{"the pods of endpoint mistral need a namespace", func(e *model.Environment) { e.Endpoints[2].Pods = &schema.Pods{Namespace: "models"} }},
	} {
		env := networkEnv()
		c.change(env)
		if err := network(env, &Out{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

func TestNetworkOrigins(t *testing.T) {
	want := map[string][]string{
		"prod/manifests/soc-analyse/analyse.yaml": {
			"agents.d/analyse.yaml",
			"spec.ingress[0] agents.d/analyse.yaml spec.accepts[0]",
			"spec.ingress[0] agents.d/detect.yaml spec.requests[0]",
			"spec.ingress[1] agents.d/analyse.yaml spec.accepts[1]",
			"spec.ingress[1] agents.d/platform.yaml spec.clients[0].requests[0]",
			"spec.ingress[2] agents.d/platform.yaml spec.peers.prometheus",
			"spec.egress[0] agents.d/analyse.yaml spec.requests[0]",
			"spec.egress[0] agents.d/remediate.yaml spec.accepts[0]",
			"spec.egress[1] agents.d/analyse.yaml spec.endpoints[0]",
			"spec.egress[1] agents.d/platform.yaml spec.endpoints[2]",
			"spec.egress[2] agents.d/analyse.yaml spec.endpoints[1]",
			"spec.egress[2] agents.d/platform.yaml spec.endpoints[3]",
			"spec.egress[3] agents.d/platform.yaml spec.runtime",
			"spec.egress[4] agents.d/platform.yaml spec.peers.otlp",
			"spec.egress[5] agents.d/platform.yaml spec.peers.dns",
		},
		"prod/manifests/soc-system/agentd.yaml": {
			"agents.d/platform.yaml spec.runtime",
			"spec.ingress[0].fromEndpoints[0] agents.d/analyse.yaml",
			"spec.ingress[0].fromEndpoints[1] agents.d/audit.yaml",
			"spec.ingress[0].fromEndpoints[2] agents.d/detect.yaml",
			"spec.ingress[0].fromEndpoints[3] agents.d/remediate.yaml",
			"spec.ingress[1] agents.d/platform.yaml spec.peers.prometheus",
			"spec.ingress[2] agents.d/platform.yaml spec.endpoints[0]",
			"spec.ingress[3] agents.d/platform.yaml spec.intake[1]",
			"spec.ingress[4] agents.d/platform.yaml spec.runtime.page.url",
			"spec.egress[0] agents.d/platform.yaml spec.intake[0]",
			"spec.egress[0] agents.d/detect.yaml spec.accepts[0]",
			"spec.egress[1] agents.d/platform.yaml spec.endpoints[0]",
			"spec.egress[2] agents.d/platform.yaml spec.endpoints[1]",
			"spec.egress[3] agents.d/platform.yaml spec.peers.otlp",
			"spec.egress[4] agents.d/platform.yaml spec.peers.dns",
		},
		"prod/manifests/soc-team/_namespace.yaml":   {"agents.d/audit.yaml", "agents.d/remediate.yaml"},
		"prod/manifests/soc-system/_namespace.yaml": {"agents.d/platform.yaml spec.runtime"},
	}
	got := map[string][]string{}
	for _, o := range policiesOf(t, networkEnv()) {
		if want[o.File] == nil {
			continue
		}
		for _, from := range o.From {
			got[o.File] = append(got[o.File], strings.TrimSpace(from.Path+" "+from.Ref.Doc.File+" "+from.Ref.Path))
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every namespace has one policy that denies all, and it is there before the workloads.
func TestNetworkDefaultDeny(t *testing.T) {
	var got []string
	for _, o := range policiesOf(t, networkEnv()) {
		p, core := o.Value.(*networkingv1.NetworkPolicy)
		if !core {
			continue
		}
		got = append(got, p.Namespace)
		want := networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{"Ingress", "Egress"}}
		if diff := gocmp.Diff(want, p.Spec); diff != "" || o.Wave >= waveWorkload || o.File != "prod/manifests/"+p.Namespace+"/_namespace.yaml" {
			t.Errorf("%s in wave %d of %s: %s", p.Namespace, o.Wave, o.File, diff)
		}
	}
	if diff := gocmp.Diff([]string{"soc-analyse", "soc-detect", "soc-team", "soc-system"}, got); diff != "" {
		t.Error(diff)
	}
}

// A policy that etcd cannot store is no policy.
func TestRuntimePoliciesStayStorable(t *testing.T) {
	env := networkEnv()
	env.Agents = nil
	for i := range 2*guardsPerPolicy + 1 {
		name := fmt.Sprintf("%s-%05d", strings.Repeat("a", 57), i)
		env.Agents = append(env.Agents, networkAgent(env, name, name))
	}
	out := &Out{}
	for _, p := range runtimePolicies(env) {
		if err := p.add(out, systemFile(env, runtimeName)); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	guards := 0
	for _, o := range out.Objects {
		p := o.Value.(*ciliumv2.CiliumNetworkPolicy)
		names = append(names, p.Name)
		guards += len(p.Spec.Ingress[0].FromEndpoints)
		if text, err := json.Marshal(p); err != nil || len(text) > 1<<20 {
			t.Errorf("%s has %d bytes, %v", p.Name, len(text), err)
		}
	}
	if diff := gocmp.Diff([]string{"agentd", "agentd-2", "agentd-3"}, names); diff != "" || guards != len(env.Agents) {
		t.Errorf("%d guards of %d: %s", guards, len(env.Agents), diff)
	}
}

func TestNetworkIsDeterministic(t *testing.T) {
	first := networkBytes(t)
	for range 20 {
		if diff := gocmp.Diff(first, networkBytes(t)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func networkBytes(t *testing.T) string {
	t.Helper()
	objects := policiesOf(t, networkEnv())
	slices.SortStableFunc(objects, func(a, b artifact.Object) int { return cmp.Compare(a.File, b.File) })
	var all strings.Builder
	for _, o := range objects {
		text, err := yaml.Marshal(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
