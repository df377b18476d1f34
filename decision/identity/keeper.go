package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Keeper holds the certificate of this process and the CA certificates that it believes, as they lie in two folders, and takes new ones without a restart. One that cannot be
// used is an error, and the old one stays.
type Keeper struct {
	certificates string // folder with tls.crt and tls.key
	authorities  string // folder with ca.crt

	now atomic.Pointer[material]
}

// Files in the folders, as cert-manager and the compiler name them.
const (
	certificateFile = "tls.crt"
	keyFile         = "tls.key"
	authorityFile   = "ca.crt"
)

type material struct {
	read        []byte // what it was made of
	certificate tls.Certificate
	authorities []byte              // PEM
	roots       []*x509.Certificate // the same
	pool        *x509.CertPool
	id          string // SPIFFE id of this process
	trustDomain string // that it is of, and everybody whom it knows
}

// Keep what lies in the folders.
func Keep(certificates, authorities string) (*Keeper, error) {
	k := &Keeper{certificates: certificates, authorities: authorities}
	return k, k.Look()
}

// Look for new ones. The kubelet swaps the files of a folder together, but not while we read: what does not fit is read again the next time.
func (k *Keeper) Look() error {
	var texts [3][]byte
	for i, name := range []string{filepath.Join(k.certificates, certificateFile), filepath.Join(k.certificates, keyFile), filepath.Join(k.authorities, authorityFile)} {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		texts[i] = text
	}
	read := bytes.Join(texts[:], []byte{0})
	if old := k.now.Load(); old != nil && bytes.Equal(old.read, read) {
		return nil
	}
	m := &material{read: read, authorities: texts[2], pool: x509.NewCertPool()}
	var err error
	if m.certificate, err = tls.X509KeyPair(texts[0], texts[1]); err != nil {
		return fmt.Errorf("%s: %w", k.certificates, err)
	}
	if m.roots, err = certificates(texts[2]); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(k.authorities, authorityFile), err)
	}
	for _, c := range m.roots {
		m.pool.AddCert(c)
	}
	if len(m.certificate.Leaf.URIs) == 1 {
		m.trustDomain = m.certificate.Leaf.URIs[0].Host
	}
	own, err := ofCertificate(m.certificate.Leaf, m.trustDomain)
	if err != nil {
		return fmt.Errorf("%s: %w", k.certificates, err)
	}
	m.id = own.ID
	k.now.Store(m)
	return nil
}

// certificates in PEM, and nothing else.
func certificates(text []byte) (all []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it holds a %s; it takes certificates", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all, text = append(all, c), rest
	}
	if len(all) == 0 || len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("it holds something else than CA certificates, or none")
	}
	return all, nil
}

// ID of this process, and the trust domain that it is of.
func (k *Keeper) ID() (id, trustDomain string) {
	m := k.now.Load()
	return m.id, m.trustDomain
}

// Ends is when the certificate in use does.
func (k *Keeper) Ends() time.Time { return k.now.Load().certificate.Leaf.NotAfter }

// Server is how to listen: nobody gets in without a certificate of the fleet's CA. A session is never resumed: it would outlive the CA that it was verified by.
func (k *Keeper) Server() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{"h2", "http/1.1"},
		SessionTicketsDisabled: true,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := k.now.Load()
			return &tls.Config{
				MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}, SessionTicketsDisabled: true,
				Certificates: []tls.Certificate{m.certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.pool,
				VerifyConnection: func(state tls.ConnectionState) error {
					_, err := ofState(&state, m.trustDomain)
					return err
				},
			}, nil
		},
	}
}

// Authorities are the CA certificates that are believed, in PEM.
func (k *Keeper) Authorities() []byte { return k.now.Load().authorities }

// Open is how to listen for those who have no certificate of the fleet's CA. They are nobody in particular.
func (k *Keeper) Open() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &k.now.Load().certificate, nil },
	}
}

// Client is how to call a workload: its name must fit, as everywhere, and its id too; an empty id is any of the trust domain.
func (k *Keeper) Client(id string) *tls.Config {
	m := k.now.Load()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: m.pool,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &k.now.Load().certificate, nil },
		VerifyConnection: func(state tls.ConnectionState) error {
			peer, err := ofState(&state, k.now.Load().trustDomain)
			switch {
			case err != nil:
				return err
			case peer.ID == "" || id != "" && peer.ID != id:
				return errors.New("somebody else answers: " + peer.ID + peer.Email)
			}
			return nil
		},
	}
}

// Name of this process in DNS: the first in its certificate, or localhost.
func (k *Keeper) Name() string {
	if names := k.now.Load().certificate.Leaf.DNSNames; len(names) > 0 {
		return names[0]
	}
	return "localhost"
}
