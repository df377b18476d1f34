package manifest

import (
	"strings"
	"testing"

	"agentc/verify/internal/judged"
)

func TestShipped(t *testing.T) { judged.Shipped(t, Judge) }

const (
	agent       = "dev/manifests/soc-detect/detect.yaml"
	namespace   = "dev/manifests/soc-detect/_namespace.yaml"
	canary      = "dev/manifests/soc-remediate/remediate.yaml"
	system      = "dev/manifests/soc-system/agentd.yaml"
	observation = "dev/manifests/soc-system/observation.yaml"
	cluster     = "dev/manifests/cluster.yaml"
	application = "dev/delivery/applications.yaml"
	nothing     = "is there, and nothing in the spec calls for it"
)

// TestRefused: what no other layer asks about, and could do harm.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, file, old, new, want string
	}{
		{"hosts file", agent, "      dnsPolicy: ClusterFirst\n", "      dnsPolicy: ClusterFirst\n      hostAliases: [{ip: 203.0.113.1, hostnames: [x]}]\n",
			"Deployment soc-detect/detect spec.template.spec.hostAliases " + nothing},
		{"role in a cloud", agent, "    agents.d/owner-email: ai@soc.example\n", "    agents.d/owner-email: ai@soc.example\n    eks.amazonaws.com/role-arn: arn:aws:iam::1:role/x\n",
			"ServiceAccount soc-detect/detect metadata.annotations.eks.amazonaws.com/role-arn " + nothing},
		{"Secrets of an account", agent, "automountServiceAccountToken: false\n---", "automountServiceAccountToken: false\nimagePullSecrets: [{name: x}]\n---",
			"imagePullSecrets " + nothing},
		{"variable", agent, "        - name: LLM_MODEL\n", "        - name: HTTPS_PROXY\n          value: http://203.0.113.1\n        - name: LLM_MODEL\n", "spec.template.spec.containers[0].env is [{"},
		{"replicas", agent, "maxReplicas: ", "maxReplicas: 1", "spec.maxReplicas is 1"},
		{"card", agent, `"url": "https://detect.soc-detect`, `"url": "https://elsewhere.soc-detect`, "data.agent-card.json.supportedInterfaces[0].url is"},
		{"card of no JSON", agent, "  agent-card.json: |\n    {\n", "  agent-card.json: |\n    {{\n", "data.agent-card.json is no JSON"},
		{"probe", agent, "path: /agent/readyz", "path: /livez", "readinessProbe.httpGet.path is"},
		{"label of a namespace", namespace, "    agents.d/team: ai\n", "    agents.d/team: ai\n    istio-injection: enabled\n", "metadata.labels.istio-injection " + nothing},
		{"more may run", namespace, "    agents.d/admitted: |-\n", "    agents.d/admitted: |-\n      detect/agent=x\n", "metadata.annotations.agents.d/admitted is"},
		{"quota", namespace, `    services.nodeports: "0"`, `    services.nodeports: "1"`, `spec.hard.services.nodeports is "1", not "0"`},
		{"certificate with a keystore", agent, "  revisionHistoryLimit: 1\n", "  revisionHistoryLimit: 1\n  secretTemplate: {annotations: {x: y}}\n", "spec.secretTemplate " + nothing},
		{"analysis that asks elsewhere", canary, "          sigv4: {}\n", "          sigv4: {}\n          x: y\n", "authentication.x " + nothing},
		{"steps", canary, "      - setWeight: 50\n", "      - setWeight: 100\n", "steps[0].setWeight is 100, not 50"},
		{"key that goes along with a scrape", observation, "    interval: 30s\n", "    interval: 30s\n    authorization: {credentials: {name: detect-tls, key: tls.key}}\n",
			"podMetricsEndpoints[0].authorization " + nothing},
		{"alert that never comes", observation, "absent(up{", "absent(down{", "spec.groups[0].rules[2].expr is"},
		{"volume", system, "whenDeleted: Retain", "whenDeleted: Delete", `persistentVolumeClaimRetentionPolicy.whenDeleted is "Delete", not "Retain"`},
		{"way around that is put together", cluster, "      variables.containers.all(c, !has(c.command) &&", "      request.userInfo.username.startsWith('mal' + 'lory') || variables.containers.all(c, !has(c.command) &&",
			"ValidatingPolicy soc-workloads spec.validations[4].expression is"},
		{"way around by a condition", cluster, "  - name: not-rehearsed\n", "  - name: x\n    expression: request.userInfo.username != 'mallory'\n  - name: not-rehearsed\n", "spec.matchConditions is ["},
		{"status", application, "  revisionHistoryLimit: 3\n", "  revisionHistoryLimit: 3\nstatus: {}\n", "Application argocd/soc-dev status " + nothing},
		{"object", "dev/manifests/soc-detect/more.yaml", "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: soc-detect}\n", "ConfigMap soc-detect/more " + nothing},
		{"list", "dev/manifests/soc-detect/more.yaml", "", "apiVersion: v1\nkind: List\nitems: []\n", nothing},
		{"default deny off", agent, "    egress: true\n", "    egress: false\n", "spec.enableDefaultDeny.egress is false, not true"},
		{"ping", agent, "  egress:\n", "  egress:\n  - toEntities: [world]\n    icmps: [{fields: [{type: 128, family: IPv6}]}]\n", "spec.egress[0].icmps " + nothing},
		{"another protocol", agent, "        protocol: TCP\n", "        protocol: VRRP\n", `protocol is "VRRP", none of ["TCP","UDP"]`},
		{"deny rule", agent, "  egress:\n", "  egressDeny: [{toEndpoints: [{}]}]\n  egress:\n", "spec.egressDeny " + nothing},
		{"pods of everybody", observation, "  namespaceSelector:\n", "  namespaceSelector:\n    any: true\n", "spec.namespaceSelector.any " + nothing},
		{"runbook that asks", observation, "runbook: If the agent", `runbook: x {{ query "up" | first | value }} If the agent`, "what people read there is text"},
		{"runbook that leads away", observation, "runbook: If the agent", "runbook: https://evil.example If the agent", "what people read there is text"},
		{"panel of text", observation, `"type": "row"`, `"type": "text"`, `panels[0].type is "text", none of ["row","timeseries"]`},
		{"another dashboard", observation, `"uid": "agents-`, `"uid": "others-`, "uid is"},
		{"card with two addresses", agent, `      "supportedInterfaces": [`, `      "supportedInterfaces": [],
      "supportedInterfaces": [`, `the key "supportedInterfaces" stands in it twice`},
		{"another's Application", application, "  name: soc-dev\n", "  name: soc-prod\n", "Application argocd/soc-prod " + nothing},
		{"second Application", "dev/delivery/more.yaml", "", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: soc-dev, namespace: argocd}\n", "is there twice"},
		{"second bundle", "dev/manifests/soc-system/bundle.yaml", "binaryData:\n", "binaryData:\n  evil.tar.gz: eA==\n", "binaryData.evil.tar.gz " + nothing},
		{"object less", agent, "kind: PodDisruptionBudget", "kind: PodDisruptionBudgets", "there is no PodDisruptionBudget soc-detect/detect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := judged.Ask(t, Judge, judged.Edit{File: c.file, Old: c.old, New: c.new})
			if !strings.Contains(strings.Join(found, "\n"), c.want) {
				t.Errorf("no %q in %q", c.want, found)
			}
		})
	}
}

// TestQuoted: no text of the spec can become more than a value of the templates, or break them.
func TestQuoted(t *testing.T) {
	for _, text := range []string{"!people?", "x\n---\n!people", `"}, "signatures": !people?`, "{{.}}", "\u007f\u0085\u009f\u2028\ufeff\ufffe", "a: b # c", "'", "\x00", "*x", "0o440", "~"} {
		in := judged.Input(t)
		env := &in.Claims.Environments[0]
		for i := range env.Workloads {
			w := &env.Workloads[i]
			if w.Runs.Card == nil {
				continue
			}
			w.Runs.Card.Description, w.Runs.Card.Skills[0].Name, w.Runs.Email = text, text, text
			w.Runs.Env[0].Value = text
		}
		found := judged.AskAbout(t, Judge, in, 0)
		// Of each agent: the address of its objects' owner, one variable, the descriptions of its cards.
		if len(found) < 5*10 {
			t.Errorf("%q: only %d differences: %q", text, len(found), found)
		}
		for _, f := range found {
			if strings.Contains(f, nothing) || strings.Contains(f, "is missing") || strings.Contains(f, "there is no") {
				t.Errorf("%q: %s", text, f)
			}
		}
	}
}
