package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// bundleKeys refuses an environment that trusts sealed bundles only and names no key to verify them by, and a key that
// cannot verify them: bundles are signed with RS256 or ES256.
func bundleKeys(p *pass) {
	for i, env := range p.platform().Platform.Spec.Environments {
		ref := in(p.platform(), "spec.environments[%d].bundle", i)
		if sealed := env.Bundle.Trust == "key" || !ref.Doc.Has(ref.Path+".trust"); sealed && len(env.Bundle.Keys) == 0 {
			p.report(ref, "%s loads sealed bundles only and names no key to verify them by; set bundle.keys, or bundle.trust: git", env.Name)
		}
		for j, k := range env.Bundle.Keys {
			if fault := keyFault(k.Key); fault != "" {
				p.report(in(p.platform(), "spec.environments[%d].bundle.keys[%d].key", i, j),
					"key %q is %s; write an ECDSA P-256 or an RSA public key of 2048 bits or more, in PEM", k.ID, fault)
			}
		}
	}
}

// keyFault says what stands where the key should, or nothing.
func keyFault(text string) string {
	if text == "" {
		return "" // the reader speaks of it
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return "no PEM block"
	case strings.TrimSpace(string(rest)) != "":
		return "more than one PEM block"
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "no public key but a PEM block of type " + block.Type
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ""
		}
		return "on the curve " + k.Params().Name
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 {
			return ""
		}
		return fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
	}
	return "of another kind"
}
