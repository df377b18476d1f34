package emit

import (
	"testing"

	"agentc/compiler/artifact"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestCertificate(t *testing.T) {
	for _, agent := range []string{"analyse", "detect", "remediate"} {
		namespace := map[string]string{"analyse": "soc-detect", "detect": "soc-detect", "remediate": "soc-remediate"}[agent]
		text, err := artifact.YAML(objectNamed[certv1.Certificate](t, workloadObjects(t, workloadEnv()), agent).Spec)
		if err != nil {
			t.Fatal(err)
		}
		want := `duration: 24h0m0s
renewBefore: 8h0m0s
dnsNames:
- ` + agent + `.` + namespace + `.svc
- ` + agent + `.` + namespace + `.svc.cluster.local
uris:
- spiffe://prod.soc.example/ns/` + namespace + `/sa/` + agent + `
secretName: ` + agent + `-tls
issuerRef:
  name: soc-prod
  kind: ClusterIssuer
  group: cert-manager.io
usages:
- digital signature
- server auth
- client auth
privateKey:
  rotationPolicy: Always
  encoding: PKCS8
  algorithm: ECDSA
  size: 256
revisionHistoryLimit: 1
`
		if d := gocmp.Diff(want, string(text)); d != "" {
			t.Error(d)
		}
	}
}

// TestTrustIsInEveryNamespace, and both CA certificates are in it while one replaces the other.
func TestTrustIsInEveryNamespace(t *testing.T) {
	got := map[string]string{}
	for _, o := range workloadObjects(t, workloadEnv()) {
		if m, ok := o.Value.(*corev1.ConfigMap); ok && m.Name == "ca" {
			got[m.Namespace] = m.Data["ca.crt"]
		}
	}
	both := "-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nnew\n-----END CERTIFICATE-----\n"
	if d := gocmp.Diff(map[string]string{"soc-system": both, "soc-detect": both, "soc-remediate": both}, got); d != "" {
		t.Error(d)
	}
}
