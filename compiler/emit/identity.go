package emit

import (
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// caName is the ConfigMap that holds the CA certificates, in every namespace of the fleet.
const caName = "ca"

// identity writes who is who: a certificate for each agent, and in each namespace what certificates are believed by. agentd's
// own certificate is the runtime's.
func identity(env *model.Environment, out *Out) error {
	ca := origin("", under(env.From, "ca"))
	out.Object(namespaceFile(env, env.System.Namespace), waveTrust, caCertificates(env, env.System.Namespace), ca)
	for _, ns := range env.Namespaces {
		file := namespaceFile(env, ns.Name)
		out.Object(file, waveTrust, caCertificates(env, ns.Name), ca)
		if env.Trust == "key" {
			out.Object(file, waveTrust, bundleKeys(env, ns.Name), origin("", under(env.From, "bundle.keys")))
		}
	}
	for _, a := range env.Agents {
		out.Object(agentFile(a), waveTrust, certificate(env, a.Identity, agentMeta(a, a.Name, waveTrust)), certificateOrigins(a)...)
	}
	return nil
}

func certificateOrigins(a *model.Agent) []artifact.Origin {
	return []artifact.Origin{
		fromAgent(a),
		origin("spec.duration", under(a.Env.From, "certificates.duration")),
		origin("spec.renewBefore", under(a.Env.From, "certificates.renewBefore")),
		origin("spec.issuerRef", under(a.Env.From, "issuer")),
		origin("spec.uris", under(a.Env.From, "trustDomain")),
	}
}

// certificateSecret is the Secret in which cert-manager puts a certificate and its key.
func certificateSecret(id model.Identity) string { return id.Name + "-tls" }

// certificate proves one identity, as a server and as a client. There is one SPIFFE id in it and no common name: the id is
// what peers decide by, the DNS names are only for clients that look up a host. The key is new with every certificate.
// Key encipherment, which cert-manager would add, means nothing for an ECDSA key.
func certificate(env *model.Environment, id model.Identity, meta metav1.ObjectMeta, extraDNS ...string) *certv1.Certificate {
	names := []string{id.Name + "." + id.Namespace + ".svc", id.Host}
	return &certv1.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: certv1.SchemeGroupVersion.String(), Kind: certv1.CertificateKind},
		ObjectMeta: meta,
		Spec: certv1.CertificateSpec{
			SecretName:           certificateSecret(id),
			URIs:                 []string{id.SPIFFE},
			DNSNames:             append(names, extraDNS...),
			Duration:             &metav1.Duration{Duration: env.Duration},
			RenewBefore:          &metav1.Duration{Duration: env.RenewBefore},
			RevisionHistoryLimit: ptr(int32(1)),
			PrivateKey: &certv1.CertificatePrivateKey{
				Algorithm:      certv1.ECDSAKeyAlgorithm,
				Size:           256,
				Encoding:       certv1.PKCS8,
				RotationPolicy: certv1.RotationPolicyAlways,
			},
			Usages: []certv1.KeyUsage{certv1.UsageDigitalSignature, certv1.UsageServerAuth, certv1.UsageClientAuth},
			IssuerRef: certmeta.IssuerReference{
				Group: certv1.SchemeGroupVersion.Group,
				Kind:  env.Issuer.Kind,
				Name:  env.Issuer.Name,
			},
		},
	}
}

// caCertificates are those of the spec, never the `ca.crt` that cert-manager puts beside a key: that one changes together
// with the key, so that there is no moment at which the old and the new CA are both believed.
func caCertificates(env *model.Environment, namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: meta(env, namespace, caName, waveTrust),
		Data:       map[string]string{"ca.crt": strings.Join(env.CA, "")},
	}
}

// bundleKeys are the public keys by which a guard knows a sealed bundle, in the form in which agentd has them.
func bundleKeys(env *model.Environment, namespace string) *corev1.ConfigMap {
	keys := runtimeKeyRing(env)
	keys.ObjectMeta = meta(env, namespace, runtimeKeys, waveTrust)
	return keys
}
