// Package identitytest makes certificate authorities and certificates for tests.
package identitytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA issues certificates.
type CA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	PEM         []byte
}

// NewCA makes one.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, ca.key.Public(), ca.key)
	check(t, err)
	ca.certificate, err = x509.ParseCertificate(der)
	check(t, err)
	ca.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return ca
}

// Names of a certificate.
type Names struct {
	URIs, Emails, DNS []string
	Life              time.Duration      // from now; 0: an hour
	Usage             []x509.ExtKeyUsage // nil: both ends of a connection
	IPs               []net.IP           // beside 127.0.0.1, which goes with DNS names
}

// Workload is the names of a workload on this machine.
func Workload(id string) Names { return Names{URIs: []string{id}, DNS: []string{"localhost"}} }

// Issue a certificate in PEM.
func (ca *CA) Issue(t testing.TB, n Names) (certificate, key []byte) {
	t.Helper()
	private := newKey(t)
	if n.Life == 0 {
		n.Life = time.Hour
	}
	if n.Usage == nil {
		n.Usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(n.Life),
		DNSNames: n.DNS, EmailAddresses: n.Emails, ExtKeyUsage: n.Usage, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if len(n.DNS) > 0 {
		template.IPAddresses = append([]net.IP{net.IPv4(127, 0, 0, 1)}, n.IPs...)
	}
	for _, text := range n.URIs {
		u, err := url.Parse(text)
		check(t, err)
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, private.Public(), ca.key)
	check(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// Files of a certificate and the CA in a new folder, which is both --tls and --ca of agentd.
func (ca *CA) Files(t testing.TB, n Names) string {
	t.Helper()
	folder := t.TempDir()
	ca.Write(t, folder, n)
	return folder
}

// Write them into a folder.
func (ca *CA) Write(t testing.TB, folder string, n Names) {
	t.Helper()
	certificate, key := ca.Issue(t, n)
	for name, data := range map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": ca.PEM} {
		check(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
}

// Client is how somebody with such a certificate connects to localhost.
func (ca *CA) Client(t testing.TB, n Names) *tls.Config {
	t.Helper()
	c, err := tls.X509KeyPair(ca.Issue(t, n))
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{c}, ServerName: "localhost"}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
