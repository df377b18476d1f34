package identity

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"
)

// certificates wants one certificate for each workload, none for anybody else, and nothing in any of them that is not claimed.
func (j *judging) certificates() {
	of := map[*claims.Workload]*object.Object{}
	for _, o := range j.index.Kind("cert-manager.io", "Certificate") {
		w := j.holder(o)
		switch {
		case w == nil:
			j.At(o, []any{"metadata", "name"}, claims.At{}, "is nobody's: no workload of the fleet is claimed to have this certificate")
		case of[w] != nil:
			j.At(o, []any{"metadata", "name"}, w.At, "is a second certificate of %s, beside %s", w.Name, of[w])
		default:
			of[w] = o
		}
		if w != nil {
			j.certificate(o, w)
		}
	}
	for i := range j.env.Workloads {
		if w := &j.env.Workloads[i]; of[w] == nil {
			j.Missing(j.env.WorkloadFile(w), w.At, "there is no Certificate of %s in %s", w.SPIFFE, w.Namespace)
		}
	}
}

// holder is the workload that a certificate is of: by its id, which is what counts, or else by its name.
func (j *judging) holder(o *object.Object) *claims.Workload {
	spec, _ := o.Object["spec"].(map[string]any)
	uris, _ := spec["uris"].([]any)
	for _, uri := range uris {
		uri, _ := uri.(string)
		_, name, _ := strings.Cut(uri, "/sa/")
		if w := j.index.Account(o.GetNamespace(), name); w != nil && w.SPIFFE == uri {
			return w
		}
	}
	return j.index.Workload(o.GetNamespace(), o.GetName())
}

// certificate compares the whole of a certificate, so that a field that we do not think of is not passed over: `isCA`, `commonName`,
// `otherNames` or a keystore beside the key would each make it another one.
func (j *judging) certificate(o *object.Object, w *claims.Workload) {
	spec, _ := o.Object["spec"].(map[string]any)
	secret, _ := spec["secretName"].(string)
	key := index.Name{Namespace: o.GetNamespace(), Name: secret}
	if other := j.secrets[key]; other != nil {
		j.At(o, []any{"spec", "secretName"}, w.At, "secretName is %s, which is that of %s too", secret, other.Name)
	}
	j.secrets[key] = w

	want := j.wanted(w)
	want["secretName"] = secret
	keys := map[string]bool{}
	for key := range spec {
		keys[key] = true
	}
	for key := range want {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if got, want := sorted(spec[key]), sorted(want[key]); !reflect.DeepEqual(got, want) {
			j.At(o, []any{"spec", key}, w.At, "%s %s %s, not %s", key, be(got, want), show(got), show(want))
		}
	}
}

// wanted is the claimed certificate.
func (j *judging) wanted(w *claims.Workload) map[string]any {
	kind, name, _ := strings.Cut(j.env.Identity.Issuer, "/")
	names := []any{}
	for _, n := range w.Names {
		names = append(names, n)
	}
	return map[string]any{
		"uris":        []any{w.SPIFFE},
		"dnsNames":    names,
		"duration":    j.env.Identity.Duration,
		"renewBefore": j.env.Identity.RenewBefore,
		"usages":      []any{"digital signature", "server auth", "client auth"},
		"issuerRef":   map[string]any{"group": "cert-manager.io", "kind": kind, "name": name},
		// A new key with each certificate; otherwise a stolen one would be of use for ever.
		"privateKey":           map[string]any{"rotationPolicy": "Always", "encoding": "PKCS8", "algorithm": "ECDSA", "size": int64(256)},
		"revisionHistoryLimit": int64(1),
	}
}

// sorted is a list of texts in which the order says nothing.
func sorted(v any) any {
	list, is := v.([]any)
	if !is {
		return v
	}
	var texts []string
	for _, item := range list {
		text, is := item.(string)
		if !is {
			return v
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}
