// Package identity says who is at the other end of a connection: by the certificate that was verified, and by nothing that anybody sends.
package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Peer is a workload, by its SPIFFE id, or a person, by their mail address: one of the two.
type Peer struct {
	ID    string
	Email string
}

// Of a request, whose connection was verified by the keeper's configuration. A connection outlives neither its certificate nor the CA that it was verified by.
func (k *Keeper) Of(r *http.Request, now time.Time) (Peer, error) {
	if r.TLS == nil {
		return Peer{}, errors.New("the connection has no TLS")
	}
	m := k.now.Load()
	p, err := ofState(r.TLS, m.trustDomain)
	switch {
	case err != nil:
		return Peer{}, err
	case now.After(r.TLS.VerifiedChains[0][0].NotAfter):
		return Peer{}, errors.New("the certificate has ended since the connection was made")
	case !slices.ContainsFunc(r.TLS.VerifiedChains, m.believes):
		return Peer{}, errors.New("the certificate's CA is believed no more since the connection was made")
	}
	return p, nil
}

// believes says whether a chain still ends in a CA certificate that counts.
func (m *material) believes(chain []*x509.Certificate) bool {
	return slices.ContainsFunc(m.roots, chain[len(chain)-1].Equal)
}

func ofState(state *tls.ConnectionState, trustDomain string) (Peer, error) {
	if len(state.VerifiedChains) == 0 {
		return Peer{}, errors.New("the connection has no certificate that was verified")
	}
	return ofCertificate(state.VerifiedChains[0][0], trustDomain)
}

// ofCertificate reads the one name that counts. The common name never does; service names, which a workload's certificate has beside its id, say where it is and not
// who it is.
func ofCertificate(c *x509.Certificate, trustDomain string) (Peer, error) {
	switch {
	case len(c.URIs) == 1 && len(c.EmailAddresses) == 0:
		return workload(c.URIs[0], trustDomain)
	case len(c.EmailAddresses) == 1 && len(c.URIs) == 0 && len(c.DNSNames) == 0:
		address, err := mail.ParseAddress(c.EmailAddresses[0])
		if err != nil || address.Address != c.EmailAddresses[0] {
			return Peer{}, fmt.Errorf("the certificate names no mail address: %q", c.EmailAddresses[0])
		}
		return Peer{Email: strings.ToLower(address.Address)}, nil
	}
	return Peer{}, fmt.Errorf("the certificate names %d workloads and %d people; it takes one of them", len(c.URIs), len(c.EmailAddresses))
}

// path of a workload: its namespace and its service account.
var path = regexp.MustCompile(`^/ns/[a-z0-9]([-a-z0-9]*[a-z0-9])?/sa/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)

func workload(id *url.URL, trustDomain string) (Peer, error) {
	said := id.String()
	if said != "spiffe://"+trustDomain+id.Path || !path.MatchString(id.Path) {
		return Peer{}, fmt.Errorf("the certificate is of %q, which is no workload of %s", said, trustDomain)
	}
	return Peer{ID: said}, nil
}
