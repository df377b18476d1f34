package schemas_test

import (
	"strings"
	"testing"

	"agentc/verify/internal/judged"
	"agentc/verify/schemas"
)

func TestJudgeShipped(t *testing.T) { judged.Shipped(t, schemas.Judge) }

// TestJudge: each way in which an object is not what the API server would run and keep.
func TestJudge(t *testing.T) {
	const (
		detect  = "dev/manifests/soc-detect/detect.yaml"
		cluster = "dev/manifests/cluster.yaml"
		more    = "dev/manifests/soc-detect/more.yaml"
		meta    = "metadata: {name: a, namespace: soc-detect}\n"
	)
	for _, c := range []struct{ file, old, changed, want string }{
		{detect, "        imagePullPolicy: Always\n", "        imagePulPolicy: Always\n", `unknown field "spec.template.spec.initContainers[0].imagePulPolicy"`},
		{detect, "        imagePullPolicy: Always\n", "", "the API server would store another object: .spec.template.spec.initContainers[0].imagePullPolicy: written <nil>, stored IfNotPresent"},
		{detect, "        terminationMessagePath: /dev/termination-log\n", "", ".terminationMessagePath: written <nil>, stored /dev/termination-log"},
		{detect, "    port: 8443\n", "    port: '8443'\n", "Service soc-detect/detect"},
		{detect, "    port: 8443\n    targetPort: a2a\n", "    port: 84430\n    targetPort: a2a\n", "Service soc-detect/detect spec.ports[0].port: Invalid value"},
		{detect, "    matchLabels:\n      agents.d/agent: detect\n  template", "    matchLabels:\n      agents.d/agent: other\n  template", "`selector` does not match template `labels`"},
		{detect, "          allowPrivilegeEscalation: false\n", "          allowPrivilegeEscalation: true\n", "Pod Security refuses its pods: restricted:v1.36: allowPrivilegeEscalation != false"},
		{detect, "        seccompProfile:\n          type: RuntimeDefault\n", "", "Pod Security refuses its pods: restricted:latest"},
		{detect, "  secretName: detect-tls\n", "", "spec.secretName: Required value"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  secret: a\n", "unknown field spec.secret"},
		{detect, "    algorithm: ECDSA\n", "    algorithm: DSA\n", `spec.privateKey.algorithm: Unsupported value: "DSA"`},
		{detect, "        protocol: TCP\n", "        protocol: TPC\n", "CiliumNetworkPolicy soc-detect/detect spec.ingress[0].toPorts[0].ports[0].protocol"},
		{cluster, "    background:\n      enabled: true\n", "    background: {}\n", "the API server would store another object: .spec.evaluation"},
		{cluster, "apiVersion: policies.kyverno.io/v1\n", "apiVersion: policies.kyverno.io/v1alpha1\n", "no validation is listed for policies.kyverno.io/v1alpha1 ValidatingPolicy"},
		{"dev/delivery/applications.yaml", "      selfHeal: true\n", "      selfHeal: 'true'\n", "spec.syncPolicy.automated.selfHeal: Invalid value"},
		{"dev/delivery/project.yaml", "  sourceRepos:\n", "  sourceRepo: a\n  sourceRepos:\n", "unknown field spec.sourceRepo"},
		{more, "", "apiVersion: v1\nkind: Secret\n" + meta, "no validation is listed for v1 Secret"},
		{more, "", "apiVersion: v1\nkind: List\nitems: []\n", "no validation is listed for v1 List"},
		{more, "", "apiVersion: apps/v1beta1\nkind: Deployment\n" + meta, "no validation is listed for apps/v1beta1 Deployment"},
		{more, "", "apiVersion: example.com/v1\nkind: Anything\n" + meta, "no validation is listed for example.com/v1 Anything"},
		{more, "", "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\n" + meta, "CiliumClusterwideNetworkPolicy soc-detect/a metadata.namespace: Forbidden"},
	} {
		t.Run(c.want, func(t *testing.T) {
			got := strings.Join(judged.Ask(t, schemas.Judge, judged.Edit{File: c.file, Old: c.old, New: c.changed}), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("not %q but\n%s", c.want, got)
			}
		})
	}
}
