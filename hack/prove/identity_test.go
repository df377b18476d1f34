//go:build judge

package prove

import (
	"strings"
)

var identityKinds = []kind{
	{name: "SPIFFE id of another", layers: "identity", mutate: func(t *target) {
		all := t.of("Certificate")
		for i, o := range all {
			if t.here("uris", o) {
				o.set(clone(all[(i+1)%len(all)].at("spec", "uris")), "spec", "uris")
			}
		}
	}},
	{name: "second SPIFFE id", layers: "identity", mutate: func(t *target) {
		all := t.of("Certificate")
		for i, o := range all {
			if t.here("uris", o) {
				o.add([]any{"spec", "uris"}, all[(i+1)%len(all)].at("spec", "uris", 0))
			}
		}
	}},
	{name: "SPIFFE id of another trust domain", layers: "identity", mutate: certificates(func(o *object) {
		_, path, _ := strings.Cut(strings.TrimPrefix(str(o.at("spec", "uris", 0)), "spiffe://"), "/")
		o.set("spiffe://elsewhere.example/"+path, "spec", "uris", 0)
	})},
	{name: "SPIFFE id dropped", layers: "identity", mutate: certificates(func(o *object) { o.remove("spec", "uris") })},
	{name: "DNS name of another", layers: "identity", mutate: func(t *target) {
		all := t.of("Certificate")
		for i, o := range all {
			if t.here("dnsNames", o) {
				o.add([]any{"spec", "dnsNames"}, all[(i+1)%len(all)].at("spec", "dnsNames", 0))
			}
		}
	}},
	{name: "DNS name with a wildcard", layers: "identity", mutate: certificates(func(o *object) {
		_, domain, _ := strings.Cut(str(o.at("spec", "dnsNames", 0)), ".")
		o.add([]any{"spec", "dnsNames"}, "*."+domain)
	})},
	{name: "DNS name dropped", layers: "identity", mutate: elements("Certificate", "spec", "dnsNames")},
	{name: "address in a certificate", layers: "identity", mutate: certificates(func(o *object) { o.set(l("10.0.0.1"), "spec", "ipAddresses") })},
	{name: "mail address in a certificate", layers: "identity", mutate: certificates(func(o *object) { o.set(l("a@example.com"), "spec", "emailAddresses") })},
	{name: "common name", layers: "identity", mutate: certificates(func(o *object) { o.set("agentd", "spec", "commonName") })},
	{name: "subject", layers: "identity", mutate: certificates(func(o *object) { o.set(l("admins"), "spec", "subject", "organizations") })},
	{name: "other name", layers: "identity", mutate: certificates(func(o *object) {
		o.set(l(y{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "agentd@example.com"}), "spec", "otherNames")
	})},
	{name: "usage dropped", layers: "identity", mutate: elements("Certificate", "spec", "usages")},
	{name: "usage to sign", layers: "identity", mutate: certificates(func(o *object) { o.add([]any{"spec", "usages"}, "cert sign") })},
	{name: "any usage", layers: "identity", mutate: certificates(func(o *object) { o.set(l("any"), "spec", "usages") })},
	{name: "certificate of a CA", layers: "identity", mutate: certificates(func(o *object) { o.set(true, "spec", "isCA") })},
	{name: "certificate by another issuer", layers: "identity", mutate: certificates(func(o *object) { o.set("self-signed", "spec", "issuerRef", "name") })},
	{name: "certificate by an issuer of another kind", layers: "identity", mutate: certificates(func(o *object) {
		kind := "ClusterIssuer"
		if o.at("spec", "issuerRef", "kind") == kind {
			kind = "Issuer"
		}
		o.set(kind, "spec", "issuerRef", "kind")
	})},
	{name: "certificate by an issuer of another group", layers: "identity", mutate: certificates(func(o *object) { o.set("awspca.cert-manager.io", "spec", "issuerRef", "group") })},
	{name: "certificate in the Secret of another", layers: "identity", mutate: func(t *target) {
		all := t.of("Certificate")
		for i, o := range all {
			if t.here("secretName", o) {
				o.set(all[(i+1)%len(all)].at("spec", "secretName"), "spec", "secretName")
			}
		}
	}},
	{name: "certificate that lives longer", layers: "identity", mutate: certificates(func(o *object) { o.set("8760h0m0s", "spec", "duration") })},
	{name: "certificate renewed later", layers: "identity", mutate: certificates(func(o *object) { o.set("5m0s", "spec", "renewBefore") })},
	{name: "certificate without a life", layers: "identity schema", mutate: certificates(func(o *object) { o.remove("spec", "duration") })},
	{name: "key that is kept", layers: "identity", mutate: certificates(func(o *object) { o.set("Never", "spec", "privateKey", "rotationPolicy") })},
	{name: "weaker key", layers: "identity", mutate: certificates(func(o *object) {
		o.set("RSA", "spec", "privateKey", "algorithm")
		o.set(2048, "spec", "privateKey", "size")
	})},
	{name: "key copied to other namespaces", layers: "identity", mutate: certificates(func(o *object) {
		o.set(y{"reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true"}, "spec", "secretTemplate", "annotations")
	})},
	{name: "key in another format besides", layers: "identity", mutate: certificates(func(o *object) {
		o.set(l(y{"type": "CombinedPEM"}), "spec", "additionalOutputFormats")
	})},
	{name: "certificate dropped", layers: "identity", mutate: certificates(func(o *object) { o.dropped = true })},
	{name: "certificate in another namespace", layers: "identity", mutate: certificates(func(o *object) { o.set("elsewhere", "metadata", "namespace") })},
	{name: "certificate of a stranger", layers: "identity", mutate: func(t *target) {
		for _, o := range t.of("Certificate") {
			if t.here("another beside", o) {
				more := clone(o.tree).(y)
				set(more, "more", "metadata", "name")
				set(more, "more-tls", "spec", "secretName")
				t.add("manifests/"+o.namespace()+"/more.yaml", more)
			}
		}
	}},
	{name: "issuer of a stranger", layers: "identity schema workload delivery", mutate: func(t *target) {
		for _, ns := range t.of("Namespace") {
			if t.here("namespace " + ns.name()) {
				t.add("manifests/"+ns.name()+"/more.yaml", y{
					"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": y{"name": "self-signed", "namespace": ns.name()}, "spec": y{"selfSigned": y{}},
				})
			}
		}
	}},

	{name: "another CA", layers: "identity", mutate: authorities(func(string) string { return anotherCA })},
	{name: "CA added", layers: "identity", mutate: authorities(func(pem string) string { return pem + anotherCA })},
	{name: "CA dropped", layers: "identity", mutate: authorities(func(string) string { return "" })},
	{name: "CA under another key", layers: "identity", mutate: named("ConfigMap", "ca", func(o *object) {
		o.set(o.at("data", "ca.crt"), "data", "root.crt")
		o.remove("data", "ca.crt")
	})},
	{name: "ConfigMap of the CA dropped", layers: "identity workload", mutate: named("ConfigMap", "ca", func(o *object) { o.dropped = true })},
	{name: "key of bundles dropped", layers: "identity workload decision", mutate: named("ConfigMap", "agentd-keys", func(o *object) { o.remove("data") })},
	{name: "key of bundles added", layers: "identity workload decision", mutate: named("ConfigMap", "agentd-keys", func(o *object) {
		o.set("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7s6NxIAoM0NgabTjDk7dIG3Eeact\nk87+MHoTBY4Qy3YaotnNJQuQC3nSTBKCItm3x+y1lfeqra7oO02QR1REzQ==\n-----END PUBLIC KEY-----\n", "data", "more.pem")
	})},

	{name: "pod with another account", layers: "identity", mutate: pods(func(_ *object, pod y) { pod["serviceAccountName"] = "default" })},
	{name: "pod with the account of another", layers: "identity", mutate: func(t *target) {
		all := t.of(workloadOf...)
		for i, o := range all {
			if t.here("serviceAccountName", o) {
				podOf(o)["serviceAccountName"] = podOf(all[(i+1)%len(all)])["serviceAccountName"]
			}
		}
	}},
	{name: "pod without an account", layers: "identity", mutate: pods(func(_ *object, pod y) { delete(pod, "serviceAccountName") })},
	{name: "pod with a token", layers: "identity workload", mutate: pods(func(_ *object, pod y) { pod["automountServiceAccountToken"] = true })},
	{name: "pod that does not say that it has no token", layers: "identity workload admission", mutate: pods(func(_ *object, pod y) { delete(pod, "automountServiceAccountToken") })},
	{name: "account with a token", layers: "identity workload", mutate: each("the account", func(o *object) { o.set(true, "automountServiceAccountToken") }, "ServiceAccount")},
	{name: "account with a Secret", layers: "manifest", mutate: each("the account", func(o *object) { o.set(l(y{"name": "token"}), "secrets") }, "ServiceAccount")},
	{name: "account that pulls with a Secret", layers: "manifest", mutate: each("the account", func(o *object) { o.set(l(y{"name": "registry"}), "imagePullSecrets") }, "ServiceAccount")},
	{name: "account that has a role in a cloud", layers: "manifest", mutate: each("the account", func(o *object) {
		o.set("arn:aws:iam::123456789012:role/admin", "metadata", "annotations", "eks.amazonaws.com/role-arn")
	}, "ServiceAccount")},
	{name: "account dropped", layers: "identity workload", mutate: each("the account", func(o *object) { o.dropped = true }, "ServiceAccount")},
	{name: "account of a stranger", layers: "identity workload", mutate: func(t *target) {
		for _, ns := range t.of("Namespace") {
			if t.here("namespace " + ns.name()) {
				t.add("manifests/"+ns.name()+"/more.yaml", y{
					"apiVersion": "v1", "kind": "ServiceAccount", "metadata": y{"name": "more", "namespace": ns.name()}, "automountServiceAccountToken": false,
				})
			}
		}
	}},
	{name: "token in a volume", layers: "identity workload admission", mutate: pods(func(o *object, pod y) {
		pod["volumes"] = append(list(pod, "volumes"), y{"name": "token", "projected": y{"defaultMode": 420, "sources": l(y{"serviceAccountToken": y{"path": "token", "expirationSeconds": 3600}})}})
		c := agent(o)
		c["volumeMounts"] = append(list(c, "volumeMounts"), y{"name": "token", "mountPath": "/token"})
	})},

	{name: "key mounted by the agent", layers: "identity", mutate: agentPods(func(o *object, _ y) {
		c := agent(o)
		c["volumeMounts"] = append(list(c, "volumeMounts"), y{"name": "tls", "mountPath": "/tls", "readOnly": true})
	})},
	{name: "key read into the agent's environment", layers: "identity workload admission", mutate: agentPods(func(o *object, _ y) {
		c := agent(o)
		c["env"] = append(list(c, "env"), y{"name": "KEY", "valueFrom": y{"secretKeyRef": y{"name": o.name() + "-tls", "key": "tls.key"}}})
	})},
	{name: "Secret read into the agent's environment", layers: "identity workload admission", mutate: agentPods(func(o *object, _ y) {
		agent(o)["envFrom"] = l(y{"secretRef": y{"name": o.name() + "-tls"}})
	})},
	{name: "key on another volume, mounted by the agent", layers: "identity workload admission", mutate: agentPods(func(o *object, pod y) {
		pod["volumes"] = append(list(pod, "volumes"), y{"name": "more", "secret": y{"secretName": o.name() + "-tls", "defaultMode": 288}})
		c := agent(o)
		c["volumeMounts"] = append(list(c, "volumeMounts"), y{"name": "more", "mountPath": "/tls", "readOnly": true})
	})},
	{name: "credentials mounted by the agent", layers: "identity workload admission", mutate: func(t *target) {
		for _, o := range t.of("Deployment") {
			for _, v := range list(podOf(o), "volumes") {
				if at(v, "name") == "credentials" && t.here("volume credentials", o) {
					c := agent(o)
					c["volumeMounts"] = append(list(c, "volumeMounts"), y{"name": "credentials", "mountPath": "/credentials", "readOnly": true})
				}
			}
		}
	}},
	{name: "Secret of another", layers: "identity workload", mutate: volumes("secret", func(_ *object, v y) { set(v, "elsewhere-tls", "secret", "secretName") })},
	{name: "CA from another ConfigMap", layers: "identity workload", mutate: volumes("configMap", func(_ *object, v y) { set(v, "elsewhere", "configMap", "name") })},
	{name: "guard with the identity of another", layers: "identity", mutate: argument("--identity", func(_ *object, value string) string {
		return value[:strings.LastIndex(value, "/")] + "/agentd"
	})},
	{name: "guard that believes another agentd", layers: "identity workload", mutate: argument("--decision-identity", func(o *object, value string) string {
		return strings.Replace(value, "/sa/agentd", "/sa/"+o.name(), 1)
	})},
	{name: "guard that asks another agentd", layers: "identity workload", mutate: argument("--decision", constant("https://elsewhere.example:8444"))},
	{name: "guard of another environment", layers: "identity workload", mutate: argument("--environment", constant("elsewhere"))},
	{name: "guard of another agent", layers: "identity workload", mutate: argument("--agent", constant("elsewhere"))},
	{name: "agentd with another database", layers: "manifest", mutate: argument("--database", constant("elsewhere"))},
	{name: "key from another folder", layers: "identity workload", mutate: argument("--tls", constant("/tmp"))},
	{name: "CA from another folder", layers: "identity workload", mutate: argument("--ca", constant("/tmp"))},
	{name: "usages in another order", layers: "manifest", equivalent: "usages are a set", mutate: certificates(func(o *object) {
		usages := o.list("spec", "usages")
		usages[0], usages[1] = usages[1], usages[0]
	})},
	{name: "DNS names in another order", equivalent: "names are a set", mutate: certificates(func(o *object) {
		names := o.list("spec", "dnsNames")
		names[0], names[1] = names[1], names[0]
	})},
}

func certificates(change func(*object)) mutator {
	return each("the certificate", change, "Certificate")
}

func authorities(change func(string) string) mutator {
	return named("ConfigMap", "ca", func(o *object) { o.set(change(str(o.at("data", "ca.crt"))), "data", "ca.crt") })
}

// anotherCA is nobody's: the certificate of the example that `agentc init` writes.
const anotherCA = `-----BEGIN CERTIFICATE-----
MIIBqTCCAVCgAwIBAgIUGT5aOoi/t0pqg8psIGLekm7j7N4wCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWZXhhbXBsZSBDQSwgcmVwbGFjZSBtZTAeFw0yNjExMjIyMDI2
MTlaFw0zNjExMTkyMDI2MTlaMCExHzAdBgNVBAMMFmV4YW1wbGUgQ0EsIHJlcGxh
Y2UgbWUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQlTbLcw8fgKg2UrO5nXWaT
+b1Fl20VbaADBc3Y1ji4lH33KinZy4rvDrELPRjRdv7+GVxyE0dPW4eURWE6YbTw
o2YwZDAdBgNVHQ4EFgQUvdTKHGDdTG7iw3QFQugt37SrTRUwHwYDVR0jBBgwFoAU
vdTKHGDdTG7iw3QFQugt37SrTRUwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8B
Af8EBAMCAQYwCgYIKoZIzj0EAwIDRwAwRAIgFxGP2I+fNbK46JZ7ozYhJHH4XdF8
JqEQz6ewINUiGvUCICtUvkOfwmyc5omFrB81yND92vynnXYhlUM5/K9R2OEV
-----END CERTIFICATE-----
`
