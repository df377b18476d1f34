package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentc/verify/internal/judged"
	"agentc/verify/judge"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
)

const agentFile = "dev/manifests/soc-remediate/remediate.yaml"

// ask judges one environment of the shipped fleet, after an edit of a file.
func ask(t *testing.T, everybody bool, file, old, changed string) []string {
	t.Helper()
	in := judged.Input(t)
	if !strings.Contains(string(in.Files[file]), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	in.Files[file] = []byte(strings.Replace(string(in.Files[file]), old, changed, 1))
	envs, findings := in.Environments()
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	report, err := judge.Run(envs[0], []judge.Layer{{Name: "network", Judge: func(e *judge.Environment, r *judge.Report) error { return run(e, r, everybody) }}})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range report.Findings {
		all = append(all, fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Object, f.Message))
	}
	return all
}

// lines are the text of the agent's policy from one line to another.
func lines(t *testing.T, from, to string) string {
	t.Helper()
	text := string(judged.Input(t).Files[agentFile])
	_, rest, _ := strings.Cut(text, "kind: CiliumNetworkPolicy")
	_, rest, found := strings.Cut(rest, from)
	inside, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("nothing from %q to %q", from, to)
	}
	return from + inside
}

// same is wanted of an edit that changes nothing of what is enforced.
const same = ""

// edits are the ways in which a network policy goes wrong.
func edits(t *testing.T) []struct{ name, old, changed, want string } {
	caller := lines(t, "  - fromEndpoints:\n    - matchLabels:\n        k8s:io.cilium.k8s.policy.serviceaccount: coordinator", "    toPorts:")
	ingress := lines(t, "  ingress:\n", "  egress:\n")
	egress := lines(t, "  egress:\n", "  enableDefaultDeny:")
	first := "  ingress:\n"
	subject := "  endpointSelector:\n    matchLabels:\n      k8s:io.cilium.k8s.policy.serviceaccount: remediate\n"
	return []struct{ name, old, changed, want string }{
		{"nothing", first, first, same},
		{"no ingress", ingress, "  ingress: []\n", "does not let agent coordinator (TCP 8443), peer prometheus (TCP 9090) reach agent remediate"},
		{"no egress", egress, "  egress: []\n", "does not let agent remediate reach"},
		{"null", ingress, "  ingress: null\n", "does not let agent coordinator"},
		{"any pod of the namespace", caller, "  - fromEndpoints:\n    - {}\n", "lets agent remediate (TCP 8443), a pod with the labels of remediate"},
		{"no peer", caller, "  -\n", "lets agentd (TCP 8443), peer prometheus (TCP 8443), host (TCP 8443) and"},
		{"any namespace", "        k8s:io.kubernetes.pod.namespace: soc-coordinator\n", "      matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: Exists}]\n", "lets a pod like coordinator in another namespace (TCP 8443)"},
		{"own namespace", "        k8s:io.kubernetes.pod.namespace: soc-coordinator\n", "", "does not let agent coordinator (TCP 8443) reach"},
		{"another account", "serviceaccount: coordinator", "serviceaccount: detect", "does not let agent coordinator (TCP 8443) reach"},
		{"no account", "        k8s:io.cilium.k8s.policy.serviceaccount: coordinator\n", "", "lets a pod with the labels of coordinator and another service account (TCP 8443)"},
		{"the world", first, first + "  - fromEntities: [world]\n    toPorts: [{ports: [{port: \"8443\", protocol: TCP}]}]\n", "lets world (TCP 8443), world-ipv4 (TCP 8443)"},
		{"the cluster", first, first + "  - fromEntities: [cluster]\n", "a pod like agentd in another namespace (every port)"},
		{"the host", first, first + "  - fromEntities: [host]\n", "lets host (every port) reach agent remediate"},
		{"two kinds of peer", first, first + "  - fromEntities: [host]\n    fromEndpoints: [{}]\n", "is invalid to Cilium, which then enforces nothing of it"},
		{"no subject", subject, "", "is invalid to Cilium"},
		{"every subject", subject, "  endpointSelector: {}\n", "a pod with the labels of remediate and another service account"},
		{"another subject", "serviceaccount: remediate\n  ingress", "serviceaccount: detect\n  ingress", "does not let agent remediate"},
		{"another port", "port: \"8443\"", "port: \"8444\"", "lets agent coordinator (TCP 8444) reach agent remediate"},
		{"more ports", "      - port: \"8443\"\n", "      - port: \"8443\"\n        endPort: 8500\n", "lets agent coordinator (TCP 8444, TCP 8447, TCP 8448, TCP 8479, …) reach agent remediate"},
		{"every port", "      - port: \"8443\"\n", "      - port: \"0\"\n", "lets agent coordinator (TCP 1,"},
		{"another protocol", "        protocol: TCP\n", "        protocol: UDP\n", "lets agent coordinator (UDP 8443) reach agent remediate"},
		{"any protocol", "        protocol: TCP\n", "        protocol: ANY\n", "lets agent coordinator (UDP 8443"},
		{"a range that ends before it begins", "      - port: \"8443\"\n", "      - port: \"8443\"\n        endPort: 80\n", same}, // Cilium ignores its end
		{"no default deny", "    ingress: true\n", "    ingress: false\n", same},                                                  // the core policy denies
		{"a denial", first, "  ingressDeny:\n  - fromEndpoints: [{}]\n" + first, same},                                            // of pods that may not call anyway
		{"a denial of the caller", first, "  ingressDeny:\n  - fromEndpoints: [{matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: Exists}]}]\n" + first, "does not let agent coordinator"},
		{"addresses", "  egress:\n", "  egress:\n  - toCIDR: [198.51.100.0/24]\n", "has toCIDR, which nothing in a spec can mean"},
		{"every address", "  egress:\n", "  egress:\n  - toCIDR: [0.0.0.0/0]\n", "lets agent remediate reach"},
		{"another host", "    - matchName: api.sandbox.mistral.example\n", "    - matchName: api.evil.example\n", "lets agent remediate reach host api.evil.example (TCP 443)"},
		{"a service", "  egress:\n", "  egress:\n  - toServices: [{k8sService: {serviceName: kubernetes, namespace: default}}]\n", "has toServices, which nothing"},
		{"authentication", caller, "  - authentication: {mode: required}\n" + strings.Replace(caller, "  - ", "    ", 1), "has authentication, which nothing"},
		{"a pattern", "    - matchName: api.sandbox.mistral.example\n", "    - matchPattern: '*.mistral.example'\n", "has the pattern \"*.mistral.example\" of hosts"},
		{"a name more", "        dns:\n", "        dns:\n        - matchName: evil.example\n", "lets agent remediate resolve \"evil.example\""},
		{"every name", lines(t, "        dns:\n", "  enableDefaultDeny:"), "        dns:\n        - matchPattern: '*'\n", "lets agent remediate resolve \"*\""},
		{"a name less", "        - matchName: api.sandbox.mistral.example\n", "", "does not let agent remediate resolve api.sandbox.mistral.example"},
		{"no names", lines(t, "      rules:\n", "  enableDefaultDeny:"), "", "ask peer dns about every name"},
		{"http on mTLS", "    toPorts:\n    - ports:\n      - port: \"8443\"\n        protocol: TCP\n", "    toPorts:\n    - ports:\n      - port: \"8443\"\n        protocol: TCP\n      rules: {http: [{method: GET}]}\n", "has a rule of layer 7 that is not about names"},
	}
}

func TestEdits(t *testing.T) {
	for _, e := range edits(t) {
		t.Run(e.name, func(t *testing.T) {
			got := strings.Join(ask(t, false, agentFile, e.old, e.changed), "\n")
			if e.want == same && got != "" || !strings.Contains(got, e.want) {
				t.Errorf("not %q but\n%s", e.want, got)
			}
		})
	}
}

// TestEverybody: to ask about one of those who are alike gives what asking about all of them gives, but for the number of them.
func TestEverybody(t *testing.T) {
	for _, e := range edits(t) {
		t.Run(e.name, func(t *testing.T) {
			few, all := ask(t, false, agentFile, e.old, e.changed), ask(t, true, agentFile, e.old, e.changed)
			if places(few) != places(all) {
				t.Errorf("of a few:\n%s\nof all:\n%s", strings.Join(few, "\n"), strings.Join(all, "\n"))
			}
		})
	}
}

// places are where findings are, and in which direction.
func places(findings []string) string {
	var all []string
	for _, f := range findings {
		place, message, _ := strings.Cut(f, ": ")
		kind := "wider"
		if strings.Contains(message, " does not let ") {
			kind = "narrower"
		}
		all = append(all, place+" "+kind)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "\n")
}

// TestLookupFlow: one lookup in the policy map of each side says what Cilium's own LookupFlow says of the whole flow.
func TestLookupFlow(t *testing.T) {
	envs, _ := judged.Input(t).Environments()
	env := envs[0]
	c := newComparison(env, &judge.Report{})
	flows, allowed := 0, 0
	for _, s := range c.all {
		if !s.subject {
			continue
		}
		reach, err := c.engine.of(s.id, s.named)
		if err != nil {
			t.Fatal(err)
		}
		for _, peer := range c.all {
			for _, p := range []packet{{protocols[0], 8443}, {protocols[0], 8444}, {protocols[1], 53}, {protocols[0], 443}} {
				flows++
				out, _, _, err := policy.LookupFlow(quiet, c.engine.repo, c.engine.ids, types.Flow{From: s.id, To: peer.id, Proto: p.proto, Dport: p.port})
				if err != nil {
					t.Fatal(err)
				}
				in, _, _, err := policy.LookupFlow(quiet, c.engine.repo, c.engine.ids, types.Flow{From: peer.id, To: s.id, Proto: p.proto, Dport: p.port})
				if err != nil {
					t.Fatal(err)
				}
				egress, ingress := reach.allows(false, peer.id.ID, p.proto, p.port), reach.allows(true, peer.id.ID, p.proto, p.port)
				if egress != (out.Egress == types.DecisionAllowed) || ingress != (in.Ingress == types.DecisionAllowed) {
					t.Errorf("%s and %s, %v: egress %t and %v, ingress %t and %v", s.name, peer.name, p, egress, out.Egress, ingress, in.Ingress)
				}
				if egress {
					allowed++
				}
			}
		}
		reach.release()
	}
	t.Logf("%d flows, %d allowed", flows, allowed)
	if allowed == 0 {
		t.Error("nothing is allowed: the engine did not see the policies")
	}
}
