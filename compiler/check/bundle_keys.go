package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
)

// bundleKeys refuses an environment that trusts sealed bundles only and names no key to verify them by, and a key that
// cannot verify them: bundles are signed with RS256 or ES256.
func bundleKeys(p *pass) {
	for _, env := range p.Environments {
		if env.Trust == "key" && len(env.Keys) == 0 {
			p.report(at(env.From, "bundle"), "%s loads sealed bundles only and names no key; set bundle.keys, or bundle.trust: git", env.Name)
		}
	}
	for i, env := range p.platform().Platform.Spec.Environments {
		for j, k := range env.Bundle.Keys {
			if fault := keyFault(k.Key); fault != "" {
				p.report(in(p.platform(), "spec.environments[%d].bundle.keys[%d].key", i, j),
					"%s; write an ECDSA P-256 or an RSA public key of 2048 bits or more, in PEM", fault)
			}
		}
	}
}

func keyFault(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "no PEM block"
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "no public key"
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ""
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 {
			return ""
		}
	}
	return "a public key that signs neither ES256 nor RS256"
}
