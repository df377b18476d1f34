package identity

import (
	"strings"
	"testing"

	"agentc/verify/internal/judged"
)

func TestShipped(t *testing.T) { judged.Shipped(t, Judge) }

const (
	folder = "dev/manifests/soc-detect/"
	detect = folder + "detect.yaml"
	agentd = "dev/manifests/soc-system/agentd.yaml"
	bundle = "dev/bundle/agentc/data.json"
	id     = "spiffe://dev.soc.example/ns/soc-detect/sa/detect"
	other  = "spiffe://dev.soc.example/ns/soc-notify/sa/notify"
)

// extra is a certificate beside the generated ones.
func extra(namespace, name, uri, secret string) judged.Edit {
	return judged.Edit{File: "dev/manifests/" + namespace + "/more.yaml", New: "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: " + name + ", namespace: " + namespace + "}\n" +
		"spec: {uris: ['" + uri + "'], secretName: " + secret + ", issuerRef: {name: soc-dev-ca, kind: ClusterIssuer}}\n"}
}

// TestEdits: each way in which somebody could come by another's identity, or lose their own.
func TestEdits(t *testing.T) {
	mount := "        - name: tls\n          readOnly: true\n          mountPath: /run/agentc/tls\n"
	agents := "        volumeMounts:\n        - name: tmp\n          mountPath: /tmp\n"
	for _, c := range []struct{ file, old, changed, want string }{
		{detect, "  - " + id, "  - " + other, "Certificate soc-detect/detect uris are [" + other + "], not [" + id + "]"},
		{detect, "  - " + id, "  - " + id + "\n  - " + other, "uris are ["},
		{detect, "  - detect.soc-detect.svc\n", "  - notify.soc-notify.svc\n", "dnsNames are ["},
		{detect, "  - detect.soc-detect.svc\n", "", "dnsNames are [detect.soc-detect.svc.cluster.local], not ["},
		{detect, "  - client auth\n", "", "usages are [digital signature server auth], not ["},
		{detect, "  - client auth\n", "  - client auth\n  - cert sign\n", "usages are [cert sign"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  isCA: true\n", "isCA is true, not nothing"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  commonName: notify\n", "commonName is notify, not nothing"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  emailAddresses: [a@b.example]\n", "emailAddresses are [a@b.example], not nothing"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  ipAddresses: [192.0.2.1]\n", "ipAddresses are"},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  otherNames: [{oid: 1.2.3, utf8Value: a}]\n", `otherNames is [{"oid"`},
		{detect, "  secretName: detect-tls\n", "  secretName: detect-tls\n  literalSubject: CN=a\n", "literalSubject is CN=a"},
		{detect, "  secretName: detect-tls\n", "  secretName: gone-tls\n", "names the secret with its key 0 times"},
		{detect, "    name: soc-dev-ca\n", "    name: evil-ca\n", "issuerRef is"},
		{detect, "    kind: ClusterIssuer\n", "    kind: Issuer\n", "issuerRef is"},
		{detect, "  duration: 24h0m0s\n", "  duration: 8760h0m0s\n", "duration is 8760h0m0s, not 24h0m0s"},
		{detect, "  renewBefore: 8h0m0s\n", "", "renewBefore is nothing, not 8h0m0s"},
		{detect, "    rotationPolicy: Always\n", "    rotationPolicy: Never\n", "privateKey is"},
		{detect, "kind: Certificate\nmetadata:\n  name: detect\n  namespace: soc-detect\n", "kind: Certificate\nmetadata:\n  name: detect\n  namespace: soc-notify\n", "there is no Certificate of " + id},

		{detect, agents, agents + mount, "container agent mounts the key of detect, which only guard may"},
		{detect, mount, strings.Replace(mount, "          readOnly", "          subPath: tls.crt\n          readOnly", 1), "mounts a part of the secret"},
		{detect, mount, "", "container guard does not mount its key"},
		{detect, mount, strings.Replace(mount, "agentc/tls", "agentc/other", 1), "looks for its certificate in"},
		{detect, "          secretName: detect-tls\n", "          secretName: detect-tls\n          items: [{key: tls.crt, path: tls.crt}]\n", "is not the whole secret"},
		{detect, "        env:\n", "        env:\n        - name: KEY\n          valueFrom: {secretKeyRef: {name: detect-tls, key: tls.key}}\n", "names the secret with its key 2 times"},
		{detect, "        env:\n", "        envFrom: [{secretRef: {name: detect-tls}}]\n        env:\n", "names the secret with its key 2 times"},
		{detect, "      volumes:\n", "      volumes:\n      - name: more\n        projected: {sources: [{secret: {name: detect-tls}}]}\n", "names the secret with its key 2 times"},
		{detect, "      volumes:\n", "      volumes:\n      - name: more\n        projected: {sources: [{serviceAccountToken: {path: token}}]}\n", "volume more gives its pods another identity"},

		{detect, "      serviceAccountName: detect\n", "      serviceAccountName: default\n", `serviceAccountName is "default", not "detect"`},
		{detect, "      automountServiceAccountToken: false\n", "", "its pods are given a token"},
		{detect, "\nautomountServiceAccountToken: false\n", "\nautomountServiceAccountToken: true\n", "ServiceAccount soc-detect/detect gives its pods a token"},
		{detect, "kind: ServiceAccount\nmetadata:\n  name: detect\n", "kind: ServiceAccount\nmetadata:\n  name: detected\n", "there is no ServiceAccount soc-detect/detect"},
		{detect, "kind: ServiceAccount\nmetadata:\n  name: detect\n", "kind: ServiceAccount\nmetadata:\n  name: detected\n", "no workload of the fleet has this service account"},

		{detect, "--identity=" + id, "--identity=" + other, `--identity of guard is ["` + other + `"], not "` + id + `"`},
		{detect, "        - --agent=detect\n", "        - --agent=detect\n        - --agent=notify\n", `--agent of guard is ["detect" "notify"], not "detect"`},
		{detect, "        - --agent=detect\n", "        - --agent=detect\n        - -agent=notify\n", `--agent of guard is ["detect" ""]`},
		{detect, "--environment=dev", "--environment=prod", `--environment of guard is ["prod"], not "dev"`},
		{detect, "/sa/agentd\n", "/sa/evil\n", "--decision-identity of guard is"},
		{detect, "--decision=https://agentd.", "--decision=https://evil.", "--decision of guard is"},
		{detect, "--decision=https:", "--decision=http:", "none of agentd's names by https"},
		{agentd, "--environment=dev", "--environment=prod", `--environment of agentd is ["prod"], not "dev"`},
		{agentd, "          secretName: agentd-tls\n", "          secretName: other\n", "names the secret with its key 0 times"},

		{folder + "_namespace.yaml", "  ca.crt: |\n", "  more.crt: x\n  ca.crt: |\n", "ConfigMap soc-detect/ca does not hold exactly the CA certificates of dev"},
		{folder + "_namespace.yaml", "  name: ca\n", "  name: cas\n", "there is no ConfigMap soc-detect/ca"},
		{detect, "--ca=/run/agentc/ca", "--ca=/run/agentc/cards", "does not hold exactly the CA certificates"},
		{detect, "--ca=/run/agentc/ca", "--ca=/tmp", "the CA certificates of guard are not a whole ConfigMap"},
		{detect, "--ca=/run/agentc/ca", "--ca=/nowhere", "where nothing is mounted"},

		{detect, "      k8s:io.cilium.k8s.policy.serviceaccount: detect\n", "      k8s:io.cilium.k8s.policy.serviceaccount: notify\n", "selects the service account notify, which no workload in soc-detect has"},
		{detect, "      k8s:io.cilium.k8s.policy.serviceaccount: detect\n", "      k8s:agents.d/agent: detect\n", "selects pods otherwise than by their service account"},

		{bundle, `"id": "` + id, `"id": "` + other, "the bundle knows detect as"},
		{bundle, `"host": "detect.`, `"host": "evil.`, "the bundle has detect at the host"},
		{bundle, `"trustDomain": "dev.`, `"trustDomain": "prod.`, "the bundle is for the trust domain"},
		{bundle, `"name": "dev"`, `"name": "prod"`, `the bundle is for the environment "prod", not "dev"`},
		{bundle, `"spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator": {`, `"spiffe://evil.example/ns/soc-coordinator/sa/coordinator": {`, "that is nobody in the fleet"},
		{bundle, `"agent": "coordinator"`, `"agent": "detect"`, "for detect and not for coordinator"},
		{bundle, `"detect": {`, `"detected": {`, "the bundle knows an agent detected, whom nobody claims"},
		{bundle, `{`, ``, "the bundle cannot be read"},
	} {
		t.Run(c.want, func(t *testing.T) { wants(t, c.want, judged.Edit{File: c.file, Old: c.old, New: c.changed}) })
	}
	thief := "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: soc-detect}\nspec: {containers: [{name: a, image: a, envFrom: [{secretRef: {name: detect-tls}}]}]}\n"
	wants(t, "Pod soc-detect/a uses the secret detect-tls, which holds the key of detect", judged.Edit{File: folder + "more.yaml", New: thief})
	wants(t, "is nobody's", extra("soc-detect", "more", "spiffe://dev.soc.example/ns/kube-system/sa/default", "more"))
	wants(t, "is a second certificate of detect", extra("soc-detect", "more", id, "more"))
	wants(t, "which is that of detect too", extra("soc-detect", "detect", id, "detect-tls"))
	wants(t, "more.yaml:4: Certificate soc-detect/detect uris are ["+other+"], not ["+id+"]", extra("soc-detect", "detect", other, "more"))
}

func wants(t *testing.T, want string, edits ...judged.Edit) {
	t.Helper()
	if got := strings.Join(judged.Ask(t, Judge, edits...), "\n"); !strings.Contains(got, want) {
		t.Errorf("not %q but\n%s", want, got)
	}
}

// TestShared: names that two workloads have are the fault of the claims themselves.
func TestShared(t *testing.T) {
	in := judged.Input(t)
	all := in.Claims.Environments[0].Workloads
	all[2].SPIFFE, all[2].Names = all[1].SPIFFE, all[1].Names
	got := strings.Join(judged.AskAbout(t, Judge, in, 0), "\n")
	for _, want := range []string{"share the SPIFFE id", "share the DNS name", "by its namespace and service account"} {
		if !strings.Contains(got, want) {
			t.Errorf("not %q but\n%s", want, got)
		}
	}
}
