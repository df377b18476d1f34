package identity

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentc/decision/identity/identitytest"
)

const (
	agentd = "spiffe://prod.soc.example/ns/soc-system/sa/agentd"
	detect = "spiffe://prod.soc.example/ns/soc-detect/sa/detect"
)

// listen answers every request with who is asking.
func listen(t *testing.T, k *Keeper) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", k.Server())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := k.Of(r, time.Now())
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		io.WriteString(w, p.ID+p.Email)
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

func keep(t *testing.T, folder string) *Keeper {
	t.Helper()
	k, err := Keep(folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ask(address string, config *tls.Config) (string, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	r, err := client.Get("https://" + address)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

// TestPeers: who gets in, and as whom.
func TestPeers(t *testing.T) {
	ca, other := identitytest.NewCA(t), identitytest.NewCA(t)
	address := listen(t, keep(t, ca.Files(t, identitytest.Workload(agentd))))
	both := identitytest.Names{URIs: []string{detect}, Emails: []string{"ana@soc.example"}}
	for name, c := range map[string]struct {
		by    *identitytest.CA
		names identitytest.Names
		want  string // empty: nobody
	}{
		"an agent":                   {ca, identitytest.Workload(detect), detect},
		"a person":                   {ca, identitytest.Names{Emails: []string{"Ana@SOC.example"}}, "ana@soc.example"},
		"another CA":                 {other, identitytest.Workload(detect), ""},
		"both":                       {ca, both, ""},
		"two workloads":              {ca, identitytest.Names{URIs: []string{detect, agentd}}, ""},
		"two people":                 {ca, identitytest.Names{Emails: []string{"ana@soc.example", "bo@soc.example"}}, ""},
		"nobody":                     {ca, identitytest.Names{DNS: []string{"detect.soc-detect.svc"}}, ""},
		"a person that is a service": {ca, identitytest.Names{Emails: []string{"ana@soc.example"}, DNS: []string{"x"}}, ""},
		"another trust domain":       {ca, identitytest.Workload(strings.Replace(detect, "prod", "dev", 1)), ""},
		"a longer trust domain":      {ca, identitytest.Workload(strings.Replace(detect, ".example", ".example.evil", 1)), ""},
		"a user in the trust domain": {ca, identitytest.Workload(strings.Replace(detect, "//", "//x@", 1)), ""},
		"a port in the trust domain": {ca, identitytest.Workload(strings.Replace(detect, "/ns", ":1/ns", 1)), ""},
		"another scheme":             {ca, identitytest.Workload(strings.Replace(detect, "spiffe", "https", 1)), ""},
		"a path that goes up":        {ca, identitytest.Workload("spiffe://prod.soc.example/ns/soc-notify/../soc-detect/sa/detect"), ""},
		"a path that is encoded":     {ca, identitytest.Workload("spiffe://prod.soc.example/ns/soc-detect/sa/%64etect"), ""},
		"a query":                    {ca, identitytest.Workload(detect + "?x"), ""},
		"a fragment":                 {ca, identitytest.Workload(detect + "#x"), ""},
		"capitals":                   {ca, identitytest.Workload("spiffe://prod.soc.example/ns/soc-detect/sa/Detect"), ""},
		"a name with a mail address": {ca, identitytest.Names{Emails: []string{"Ana <ana@soc.example>"}}, ""},
		"one that has ended":         {ca, identitytest.Names{URIs: []string{detect}, Life: -time.Minute}, ""},
		"one for servers only":       {ca, identitytest.Names{URIs: []string{detect}, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ""},
	} {
		got, err := ask(address, c.by.Client(t, c.names))
		if c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	anonymous := ca.Client(t, identitytest.Workload(detect))
	anonymous.Certificates = nil
	if got, err := ask(address, anonymous); err == nil {
		t.Errorf("nobody at all: %q", got)
	}
	old := ca.Client(t, identitytest.Workload(detect))
	old.MaxVersion = tls.VersionTLS12
	if got, err := ask(address, old); err == nil {
		t.Errorf("TLS 1.2: %q", got)
	}
	if got, err := http.Get("http://" + address); err == nil && got.StatusCode == http.StatusOK {
		t.Error("without TLS somebody answers")
	}
}

// TestOutlived: a connection that goes on after its certificate has ended is nobody's.
func TestOutlived(t *testing.T) {
	ca := identitytest.NewCA(t)
	k := keep(t, ca.Files(t, identitytest.Workload(agentd)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, err := k.Of(r, time.Now().Add(2*time.Hour)); err == nil || !strings.Contains(err.Error(), "has ended") {
			t.Errorf("%v, %v", p, err)
		}
	}))
	server.TLS = k.Server()
	server.StartTLS()
	defer server.Close()
	if _, err := ask(server.Listener.Addr().String(), ca.Client(t, identitytest.Workload(detect))); err != nil {
		t.Error(err)
	}
	if p, err := k.Of(httptest.NewRequest(http.MethodGet, "/", nil), time.Now()); err == nil {
		t.Errorf("without TLS: %v", p)
	}
}

// TestRotation: a new certificate and a new CA are taken without a restart, and the old CA is believed no more; what cannot be used is told, and nothing changes.
func TestRotation(t *testing.T) {
	first, second := identitytest.NewCA(t), identitytest.NewCA(t)
	folder := first.Files(t, identitytest.Workload(agentd))
	k := keep(t, folder)
	address := listen(t, k)
	before := k.Ends()
	second.Write(t, folder, identitytest.Names{URIs: []string{agentd}, DNS: []string{"localhost"}, Life: 2 * time.Hour})
	if err := k.Look(); err != nil || !k.Ends().After(before) {
		t.Fatal(err, k.Ends())
	}
	if got, err := ask(address, second.Client(t, identitytest.Workload(detect))); err != nil || got != detect {
		t.Errorf("the new CA: %q, %v", got, err)
	}
	if got, err := ask(address, first.Client(t, identitytest.Workload(detect))); err == nil {
		t.Errorf("the old CA: %q", got)
	}
	for name, spoil := range map[string]func() error{
		"half of a pair": func() error {
			c, _ := second.Issue(t, identitytest.Workload(agentd))
			return os.WriteFile(filepath.Join(folder, certificateFile), c, 0o600)
		},
		"a person's": func() error { second.Write(t, folder, identitytest.Names{URIs: []string{agentd, detect}}); return nil },
		"no CA": func() error {
			second.Write(t, folder, identitytest.Workload(agentd))
			return os.WriteFile(filepath.Join(folder, authorityFile), []byte("x"), 0o600)
		},
		"no file": func() error { return os.Remove(filepath.Join(folder, keyFile)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if err := k.Look(); err == nil {
			t.Errorf("%s is taken", name)
		}
		if got, err := ask(address, second.Client(t, identitytest.Workload(detect))); err != nil || got != detect {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if id, domain := k.ID(); id != agentd || domain != "prod.soc.example" {
		t.Error(id, domain)
	}
}

// TestTakenOut: a connection that a CA verified which is believed no more is nobody's, though its certificate goes on.
func TestTakenOut(t *testing.T) {
	first, second := identitytest.NewCA(t), identitytest.NewCA(t)
	folder := first.Files(t, identitytest.Workload(agentd))
	k := keep(t, folder)
	address := listen(t, k)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: first.Client(t, identitytest.Workload(detect))}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	said := func() string {
		r, err := client.Get("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := said(); got != detect {
		t.Errorf("before: %q", got)
	}
	if err := os.WriteFile(filepath.Join(folder, authorityFile), append(append([]byte{}, first.PEM...), second.PEM...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Look(); err != nil {
		t.Fatal(err)
	}
	if got := said(); got != detect {
		t.Errorf("with both: %q", got)
	}
	second.Write(t, folder, identitytest.Workload(agentd))
	if err := k.Look(); err != nil {
		t.Fatal(err)
	}
	if got := said(); !strings.Contains(got, "believed no more") {
		t.Errorf("after: %q", got)
	}
}

// TestClient: whom we call is whom the spec names, not whoever has a certificate for the name.
func TestClient(t *testing.T) {
	ca := identitytest.NewCA(t)
	address := listen(t, keep(t, ca.Files(t, identitytest.Workload(detect))))
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	k := keep(t, ca.Files(t, identitytest.Workload(agentd)))
	for id, fits := range map[string]bool{detect: true, "": true, agentd: false} {
		got, err := ask("localhost:"+port, k.Client(id))
		if fits && (err != nil || got != agentd) || !fits && (err == nil || !strings.Contains(err.Error(), "somebody else answers")) {
			t.Errorf("%q: %q, %v", id, got, err)
		}
	}
	if got, err := ask(strings.Replace(address, "127.0.0.1", "127.0.0.2", 1), k.Client(detect)); err == nil {
		t.Errorf("a name that does not fit: %q", got)
	}
}
