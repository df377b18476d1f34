package emit

import (
	"agentc/compiler/model"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// certManager is cert-manager's own account, where its Helm chart and its manifests put it.
const certManager = "system:serviceaccount:cert-manager:cert-manager"

// identityRule admits in a fleet's namespaces the certificates that were compiled, by what is in them.
func identityRule(env *model.Environment) admissionRule {
	return admissionRule{
		name: "identities", title: "Certificates of the fleet name their own agent", fleet: true, background: true,
		matches:    []admissionv1.NamedRuleWithOperations{matching(onWrite, certv1.SchemeGroupVersion.Group, "certificates")},
		conditions: []admissionv1.MatchCondition{notRehearsed},
		variables: []admissionv1.Variable{celAdmitted,
			variable("uris", `object.spec.?uris.orValue([])`),
			variable("prefix", celString("spiffe://"+env.TrustDomain+"/ns/")+` + request.namespace + '/sa/'`),
			variable("account", `variables.uris.size() == 1 && variables.uris[0].startsWith(variables.prefix) ?
    variables.uris[0].replace(variables.prefix, '') : ''`),
			variable("host", `'.' + request.namespace + '.svc'`),
			variable("domain", celString("."+env.ClusterDomain)),
		},
		validations: []admissionv1.Validation{
			validation("a certificate carries exactly one URI: the SPIFFE id of an agent that was compiled into this namespace",
				`variables.account != '' && variables.admitted.exists(line, line.startsWith(variables.account + '/'))`),
			validation("a DNS name is not one of the agent's own",
				`object.spec.?dnsNames.orValue([]).all(d,
    d in [variables.account + variables.host, variables.account + variables.host + variables.domain] ||
    (variables.account == '`+runtimeName+`' && `+celRuntimeHost(env)+`))`),
			validation("a certificate of the fleet carries nothing but a SPIFFE id and DNS names, and signs no others",
				`!object.spec.?isCA.orValue(false) && object.spec.?commonName.orValue('') == '' && !has(object.spec.subject) &&
!has(object.spec.literalSubject) && !has(object.spec.ipAddresses) && !has(object.spec.emailAddresses) &&
!has(object.spec.otherNames)`),
			validation("the key of a certificate belongs in the Secret that only its agent's guard mounts",
				`object.spec.secretName == variables.account + '-tls'`),
			validation("certificates of the fleet come from its issuer", celIssuer(env, "object.spec.issuerRef")),
		},
	}
}

// celRuntimeHost is true for the names that agentd alone has besides: that of its callbacks, in a namespace that is its own, and its page's.
func celRuntimeHost(env *model.Environment) string {
	within := "d.endsWith(variables.host + variables.domain)"
	if env.Page == nil {
		return within
	}
	return "(" + within + " || d == " + celString(env.Page.Host) + ")"
}

// issuanceRule holds in every namespace: an issuer of the whole cluster signs for all of them. A certificate of our trust
// domain names the namespace that it is asked for in; and our issuer signs no request that is not cert-manager's own, since what
// stands in a request cannot be read in CEL (Kyverno's x509 library reads RSA keys only, and ours are ECDSA).
func issuanceRule(env *model.Environment) admissionRule {
	domain := celString("spiffe://" + env.TrustDomain + "/")
	return admissionRule{
		name: "issuance", title: "Nobody is given an identity of the fleet",
		fleet: env.Issuer.Kind == "Issuer", // an Issuer signs for its namespace alone
		matches: []admissionv1.NamedRuleWithOperations{
			matching(onWrite, certv1.SchemeGroupVersion.Group, "certificates"),
			matching([]admissionv1.OperationType{admissionv1.Create}, certv1.SchemeGroupVersion.Group, "certificaterequests"),
		},
		validations: []admissionv1.Validation{
			validation("a SPIFFE id of this trust domain must name the namespace of its certificate",
				`object.kind != 'Certificate' || object.spec.?uris.orValue([]).all(u, !u.lowerAscii().startsWith(`+domain+`) ||
    u.startsWith('spiffe://`+env.TrustDomain+`/ns/' + request.namespace + '/sa/'))`),
			validation("only cert-manager asks the fleet's issuer for a signature: write a Certificate",
				`object.kind != 'CertificateRequest' || !(`+celIssuer(env, "object.spec.issuerRef")+`) ||
request.userInfo.username == `+celString(certManager)),
		},
	}
}

// celIssuer is true for a reference to the environment's issuer. cert-manager's defaults for kind and group are written out:
// they are applied after admission.
func celIssuer(env *model.Environment, ref string) string {
	return ref + `.name == ` + celString(env.Issuer.Name) +
		` && ` + ref + `.?kind.orValue('Issuer') == ` + celString(env.Issuer.Kind) +
		` && ` + ref + `.?group.orValue('` + certv1.SchemeGroupVersion.Group + `') == '` + certv1.SchemeGroupVersion.Group + `'`
}
