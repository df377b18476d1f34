package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"agentc/decision/approvals"

	"github.com/spf13/cobra"
)

// connection to an agentd that serves.
type connection struct {
	server, dev   string
	cert, key, ca string
}

func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.server, "server", "", "agentd's address, such as https://agentd.soc-system.svc:8444")
	f.StringVar(&c.cert, "cert", "", "file of your certificate")
	f.StringVar(&c.key, "key", "", "file of its key")
	f.StringVar(&c.ca, "ca", "", "file of the certificates that agentd's is signed by")
	f.StringVar(&c.dev, "dev", "", "instead: the address of an agentd that serves with --dev, such as http://127.0.0.1:8444")
}

const callTimeout = 30 * time.Second

// client speaks to the server as whoever the certificate says, or to one's own machine as whoever that server believes.
func (c *connection) client() (*approvals.Client, error) {
	if c.dev != "" {
		return c.own()
	}
	u, err := url.Parse(c.server)
	switch {
	case c.server == "" || c.cert == "" || c.key == "" || c.ca == "":
		return nil, errors.New("it needs --server, --cert, --key and --ca, or --dev")
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("--server is %q; it is an address as in https://agentd.soc-system.svc:8444", c.server)
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(c.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s has no certificate", c.ca)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true}
	return &approvals.Client{URL: strings.TrimSuffix(c.server, "/"), HTTP: &http.Client{Timeout: callTimeout, Transport: transport}}, nil
}

func (c *connection) own() (*approvals.Client, error) {
	u, err := url.Parse(c.dev)
	if err != nil || u.Scheme != "http" || c.server != "" {
		return nil, fmt.Errorf("--dev is %q; it is an address of this machine as in http://127.0.0.1:8444, and without --server", c.dev)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--dev is %q; without TLS nothing but this machine is spoken to", c.dev)
	}
	return &approvals.Client{URL: strings.TrimSuffix(c.dev, "/"), HTTP: &http.Client{Timeout: callTimeout, Transport: &http.Transport{}}}, nil
}
