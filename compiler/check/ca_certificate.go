package check

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// caCertificate refuses a trust anchor that is none. Whether it has expired is not asked: the compiler knows no clock.
func caCertificate(p *pass) {
	for _, env := range p.Environments {
		for i, text := range env.CA {
			if fault := caFault(text); fault != "" {
				p.report(at(env.From, "ca[%d]", i), "this is %s; write one CA certificate in PEM for each entry", fault)
			}
		}
	}
}

func caFault(text string) string {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return "no PEM block"
	case block.Type != "CERTIFICATE":
		return "a PEM block of type " + block.Type
	case strings.TrimSpace(string(rest)) != "":
		return "more than one PEM block"
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return "no certificate: " + err.Error()
	case !cert.IsCA, cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return "the certificate of " + cert.Subject.String() + ", which may sign no others"
	}
	return ""
}
