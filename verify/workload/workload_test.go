package workload

import (
	"strings"
	"testing"

	"agentc/verify/internal/judged"
)

func TestShipped(t *testing.T) { judged.Shipped(t, Judge) }

const (
	detect    = "dev/manifests/soc-detect/detect.yaml"
	namespace = "dev/manifests/soc-detect/_namespace.yaml"
	more      = "dev/manifests/soc-detect/more.yaml"
	remediate = "dev/manifests/soc-remediate/remediate.yaml"
	agentd    = "dev/manifests/soc-system/agentd.yaml"
	observed  = "dev/manifests/soc-system/observation.yaml"
)

const pod = "{containers: [{name: a, image: registry.soc.example/a:1}]}"

func TestEdits(t *testing.T) {
	for _, c := range []struct{ file, old, changed, want string }{
		// What runs.
		{detect, "        image: registry.soc.example/agents/detect:", "        image: registry.evil.example/agents/detect:", "container agent runs registry.evil.example/"},
		{detect, "        image: registry.soc.example/runtime/agentd:", "        image: registry.evil.example/runtime/agentd:", "the guard runs registry.evil.example/"},
		{agentd, "        image: registry.soc.example/runtime/agentd:", "        image: registry.evil.example/runtime/agentd:", "container agentd runs registry.evil.example/"},
		{remediate, "agents/remediate:1.4.0@sha256:d75d", "agents/remediate:1.3.6@sha256:4736", "container agent runs"},
		{detect, "      initContainers:\n", "      initContainers:\n      - name: first\n        image: a\n", "starts 2 containers before the agent"},
		{detect, "      containers:\n", "      containers:\n      - {name: more, image: a}\n", "runs 2 containers of its own, not one"},
		{agentd, "      containers:\n", "      initContainers: [{name: a, image: a}]\n      containers:\n", "has init containers; agentd has none"},
		{detect, "        restartPolicy: Always\n", "", "the guard is no sidecar"},
		{detect, "      serviceAccountName: detect\n", "      serviceAccountName: detect\n      shareProcessNamespace: true\n", "its containers see each other's processes"},
		{detect, "kind: Deployment\nmetadata:\n  name: detect\n", "kind: Deployment\nmetadata:\n  name: detected\n", "there is no Deployment soc-detect/detect"},
		{detect, "kind: Deployment\n", "kind: DaemonSet\n", "DaemonSet soc-detect/detect makes pods of detect beside its Deployment"},
		{more, "", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: soc-detect}\nspec: " + pod + "\n", "Pod soc-detect/a makes pods, and no workload"},
		{more, "", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a, namespace: soc-detect}\nspec: {jobTemplate: {spec: {template: {spec: " + pod + "}}}}\n", "CronJob soc-detect/a makes pods, and no workload"},
		{more, "", "apiVersion: example.com/v1\nkind: Anything\nmetadata: {name: a, namespace: soc-detect}\nspec: {deeply: [" + pod + "]}\n", "Anything soc-detect/a describes pods"},
		{more, "", "apiVersion: v1\nkind: Service\nmetadata: {name: detect, namespace: soc-detect}\n", "is there twice"},

		// The guard stands before the agent.
		{detect, "--upstream=http://127.0.0.1:8080", "--upstream=http://127.0.0.1:8079", `AGENTC_LISTEN of the agent is ["127.0.0.1:8080"], and --upstream of its guard ["http://127.0.0.1:8079"]`},
		{detect, "          value: \"127.0.0.1:8080\"", "          value: \"0.0.0.0:8080\"", "AGENTC_LISTEN of the agent is"},
		{detect, "--egress=127.0.0.1:8082", "--egress=127.0.0.1:8083", "AGENTC_EGRESS_URL of the agent is"},
		{detect, "      - name: agent\n", "      - name: agent\n        ports: [{containerPort: 8080}]\n", "the agent has ports of its own"},
		{remediate, "        - name: tmp\n          mountPath: /tmp\n", "        - name: credentials\n          mountPath: /tmp\n", "the agent mounts credentials, which is its guard's"},
		{remediate, "        - name: tmp\n          mountPath: /tmp\n", "        - name: credentials\n          mountPath: /tmp\n", "the agent is given the secret"},
		{detect, "        env:\n", "        envFrom: [{secretRef: {name: mistral-api}}]\n        env:\n", "the agent is given the secret mistral-api"},

		// Who finds whom.
		{detect, "    targetPort: a2a\n", "    targetPort: a3a\n", "leads to port a3a of detect, where nobody listens"},
		{detect, "    targetPort: a2a\n", "    targetPort: metrics\n", "no Service leads to the port at which detect is called"},
		{detect, "--listen=:8443", "--listen=:8444", "no Service leads to the port at which detect is called"},
		{detect, "  selector:\n    agents.d/agent: detect\n", "  selector:\n    agents.d/agent: detected\n", "Service soc-detect/detect selects no pod"},
		{detect, "  selector:\n    agents.d/agent: detect\n", "  selector:\n    agents.d/agent: detected\n", "no Service leads from detect.soc-detect.svc to detect"},
		{detect, "  type: ClusterIP\n", "  type: LoadBalancer\n", "can be reached from outside the cluster"},
		{detect, "  type: ClusterIP\n", "  externalIPs: [192.0.2.1]\n  type: ClusterIP\n", "can be reached from outside the cluster"},
		{detect, "spec:\n  selector:\n    matchLabels:\n      agents.d/agent: detect\n  maxUnavailable", "spec:\n  selector:\n    matchLabels:\n      agents.d/agent: detected\n  maxUnavailable", "PodDisruptionBudget soc-detect/detect selects no pod"},
		{detect, "spec:\n  selector:\n    matchLabels:\n      agents.d/agent: detect\n  maxUnavailable", "spec:\n  selector: {}\n  maxUnavailable", "PodDisruptionBudget soc-detect/detect selects every pod"},
		{"prod/manifests/soc-remediate/remediate.yaml", "    kind: Rollout\n    name: remediate\n    apiVersion: argoproj.io/v1alpha1\n", "    kind: Deployment\n    name: remediate\n    apiVersion: apps/v1\n", "scales the Deployment of remediate, whose pods are made by its Rollout"},
		{"prod/manifests/soc-remediate/remediate.yaml", "    kind: Rollout\n    name: remediate\n", "    kind: Rollout\n    name: other\n", "scales Rollout other, which is not there"},
		{remediate, "    kind: Deployment\n    name: remediate\n", "    kind: Deployment\n    name: other\n", "takes its pods from Deployment other"},
		{remediate, "        - templateName: remediate\n", "        - templateName: other\n", "refers by templateName to other, which is not there"},
		{remediate, "kind: Rollout\n", "kind: Rollouts\n", "there is no Rollout soc-remediate/remediate"},
		{remediate, "  replicas: 0\n", "  replicas: 2\n", "the Deployment runs pods beside those of its Rollout"},
		{agentd, "  serviceName: agentd-headless\n", "  serviceName: other\n", `serviceName is "other", which is no Service here`},
		{agentd, "    targetPort: callback\n", "    targetPort: 8446\n", "leads to port 8446 of agentd, where nobody listens"},
		{detect, "            port: 8081\n", "            port: 8089\n", "is asked at port 8089, where nobody listens"},
		{detect, "          name: detect-cards\n", "          name: other\n", "refers to the ConfigMap other, which is not there"},
		{agentd, "          name: soc-bundle\n", "          name: other\n", "refers to the ConfigMap other, which is not there"},
		{detect, "      volumes:\n", "      volumes:\n      - name: more\n        persistentVolumeClaim: {claimName: data}\n", "volume more is of the claim data"},

		// Who is observed.
		{observed, "  - port: metrics\n", "  - port: metric\n", `asks detect for its figures at port "metric"`},
		{observed, "    - soc-detect\n", "    - soc-other\n", "selects no pod in soc-other"},
		{observed, "    - soc-detect\n", "", "selects the pods of 5 workloads, of 6"},
		{observed, `fleet="soc"`, `fleet="sok"`, `is about the fleet "sok", which is not there`},
		{observed, `fleet=\"soc\"`, `fleet=\"sok\"`, `is about the fleet "sok", which is not there`},
		{remediate, `agent="remediate"`, `agent="other"`, `is about the agent "other", which is not there`},

		// Where it is.
		{namespace, "    pod-security.kubernetes.io/enforce: restricted\n", "    pod-security.kubernetes.io/enforce: baseline\n", `pod-security.kubernetes.io/enforce is "baseline", not "restricted"`},
		{namespace, "    pod-security.kubernetes.io/audit: restricted\n", "", `pod-security.kubernetes.io/audit is "", not "restricted"`},
		{namespace, "kind: Namespace\nmetadata:\n  name: soc-detect\n", "kind: Namespace\nmetadata:\n  name: soc-detected\n", "there is no Namespace soc-detect"},
		{namespace, "kind: Namespace\nmetadata:\n  name: soc-detect\n", "kind: Namespace\nmetadata:\n  name: soc-detected\n", "no workload of the fleet is in this namespace"},
		{namespace, "  podSelector: {}\n", "  podSelector: {matchLabels: {a: b}}\n", "no NetworkPolicy of soc-detect denies everything"},
		{namespace, "  podSelector: {}\n", "  podSelector: {}\n  ingress: [{}]\n", "no NetworkPolicy of soc-detect denies everything"},
		{namespace, "  - Egress\n", "", "no NetworkPolicy of soc-detect denies everything"},
		{more, "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: soc-other}\n", "is in a namespace where no workload of the fleet is"},
		{detect, "    agents.d/fleet: soc\n", "", `ServiceAccount soc-detect/detect agents.d/fleet is "", not "soc"`},
		{detect, "    agents.d/environment: dev\n", "    agents.d/environment: prod\n", `agents.d/environment is "prod", not "dev"`},
		{detect, "        agents.d/environment: dev\n", "        agents.d/environment: prod\n", `agents.d/environment of its pods is "prod", not "dev"`},
	} {
		t.Run(c.want, func(t *testing.T) { wants(t, c.want, judged.Edit{File: c.file, Old: c.old, New: c.changed}) })
	}
}

func wants(t *testing.T, want string, edit judged.Edit) {
	t.Helper()
	if got := strings.Join(judged.Ask(t, Judge, edit), "\n"); !strings.Contains(got, want) {
		t.Errorf("not %q but\n%s", want, got)
	}
}
