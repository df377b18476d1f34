package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentc/decision/bundle/bundletest"
	"agentc/decision/identity/identitytest"
)

// sealed is an agentd as in production, and its CA.
func sealed(t *testing.T) (*started, *identitytest.CA) {
	t.Helper()
	ca, key := identitytest.NewCA(t), bundletest.NewKey(t, "ES256")
	folder := t.TempDir()
	archive := key.Seal(t, bundletest.Shipped(t, "../../generated/prod/bundle"), 7, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	der, err := x509.MarshalPKIXPublicKey(key.Keys[key.ID])
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"bundle.tar.gz": archive, key.ID + ".pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := ca.Files(t, identitytest.Workload("spiffe://prod.soc.example/ns/soc-system/sa/agentd"))
	return start(t, flags{environment: "prod", trust: "key", keys: folder, bundle: filepath.Join(folder, "bundle.tar.gz"), tls: own, ca: own}), ca
}

// TestOnePort: the APIs on one port do not open each other: each certificate gets what it is for, by any spelling of the path.
func TestOnePort(t *testing.T) {
	s, ca := sealed(t)
	as := map[string]*tls.Config{
		"agent":    ca.Client(t, identitytest.Workload(spiffe("prod", "coordinator"))),
		"other":    ca.Client(t, identitytest.Workload(spiffe("prod", "notify"))),
		"foreign":  ca.Client(t, identitytest.Workload("spiffe://prod.soc.example/ns/else/sa/else")),
		"stranger": ca.Client(t, identitytest.Names{Emails: []string{"eve@example.com"}}),
	}
	incident := question("prod", "detect", "coordinator", "handle-incident")
	mcp := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pending","arguments":{}}}`
	for _, c := range []struct {
		who, method, target, body string
		code                      string // of the answer, at its beginning
	}{
		{"agent", "POST", "/access/v1/evaluation", incident, "200"},
		{"other", "POST", "/access/v1/evaluation", incident, "403"},
		{"foreign", "POST", "/access/v1/evaluation", incident, "403"},
		{"stranger", "POST", "/access/v1/evaluation", incident, "403"},
		{"stranger", "POST", "/access/v1/evaluations", incident, "403"},
		{"stranger", "POST", "/mcp", mcp, "400"},
		{"agent", "POST", "/mcp", mcp, "200"},
		{"agent", "POST", "/intake/falco", "{}", "403"},
		{"stranger", "POST", "/intake/falco", "{}", "403"},
		{"agent", "POST", "/intake/%2e%2e%2ffalco", "{}", "404"},
		{"agent", "GET", "/escalations", "", "403"},
		{"stranger", "GET", "/escalations", "", "401"},
		{"stranger", "GET", "/access/v1/escalations", "", "401"},
		{"stranger", "GET", "/access/v1/quarantines", "", "401"},
		{"agent", "POST", "/access/v1/quarantines", `{"agent": "detect", "reason": "x"}`, "403"},
		{"agent", "POST", "/access/v1/quarantines/detect/lift", `{}`, "403"},
		{"agent", "POST", "/quarantines", "agent=detect", "403"},
		{"agent", "POST", "/access/v1/escalations/0123456789abcdef0123456789abcdef/votes", `{"approve": true}`, "403"},
		{"agent", "GET", "/events?since=0", "", "403"},
		// Spellings.
		{"other", "POST", "//access/v1/evaluation", incident, "30"},
		{"other", "POST", "/access/v1/../v1/evaluation", incident, "30"},
		{"other", "POST", "/access%2Fv1%2Fevaluation", incident, "40"},
		{"other", "POST", "/access/v1/evaluation/", incident, "404"},
		{"other", "POST", "/access/v1/evaluation.", incident, "404"},
		{"other", "POST", "/ACCESS/V1/EVALUATION", incident, "40"},
		{"other", "POST", "https://elsewhere.example/access/v1/evaluation", incident, "403"},
		{"other", "GET", "https://elsewhere.example/escalations", "", "403"},
		{"other", "CONNECT", "/access/v1/evaluation", incident, "40"},
		{"other", "CONNECT", "elsewhere.example:443", "", "40"},
		{"other", "OPTIONS", "*", "", "200"},
		{"other", "OPTIONS", "/access/v1/evaluation", "", "405"},
		{"other", "PUT", "/access/v1/evaluation", incident, "405"},
		{"other", "TRACE", "/access/v1/evaluation", "", "405"},
		{"other", "GET", "/%2e%2e/escalations", "", "404"},
		{"other", "GET", "/escalations%00", "", "404"},
		{"other", "GET", "/escalations/..%2f..%2fquarantines", "", "403"},
		{"other", "GET", "/static/../../etc/passwd", "", "30"},
	} {
		for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
			got := raw(t, s, as[c.who], c.method+" "+c.target+" "+version+"\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"+
				"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Client-Cert: URI="+spiffe("prod", "coordinator")+"\r\nX-Original-URL: /livez\r\nAgentd-Dev-Agent: "+spiffe("prod", "coordinator")+
				"\r\nX-HTTP-Method-Override: GET\r\nContent-Length: "+length(c.body)+"\r\n\r\n"+c.body)
			if !strings.HasPrefix(got, c.code) || strings.HasPrefix(c.code, "40") && strings.Contains(got, `"decision":true`) {
				t.Errorf("%s %s %s %s: %.300s, want %s", c.who, c.method, c.target, version, got, c.code)
			}
		}
	}
}

// TestSmuggling: a request that two readers would cut in two ways is refused, and what stands behind it is not read as another.
func TestSmuggling(t *testing.T) {
	s, ca := sealed(t)
	config := ca.Client(t, identitytest.Workload(spiffe("prod", "coordinator")))
	incident := question("prod", "detect", "coordinator", "handle-incident")
	head := "POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"two lengths":                    head + "Content-Length: 2\r\nContent-Length: " + length(incident) + "\r\n\r\n" + incident,
		"length and chunks":              head + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + incident,
		"chunks that are none":           head + "Transfer-Encoding: xchunked\r\n\r\n" + incident,
		"a length with a sign":           head + "Content-Length: +" + length(incident) + "\r\n\r\n" + incident,
		"a folded header":                head + "X-Request-ID: a\r\n b\r\nContent-Length : 5\r\n\r\n" + incident,
		"a header with NUL":              head + "X-Request-ID: a\x00b\r\nContent-Length: " + length(incident) + "\r\n\r\n" + incident,
		"a header with a line's end":     head + "X-Request-ID: a\rSet-Cookie: x=y\r\nContent-Length: " + length(incident) + "\r\n\r\n" + incident,
		"a header that is too long":      head + "X-Request-ID: " + strings.Repeat("x", 32<<10) + "\r\nContent-Length: " + length(incident) + "\r\n\r\n" + incident,
		"two hosts":                      head + "Host: elsewhere\r\nContent-Length: " + length(incident) + "\r\n\r\n" + incident,
		"no host":                        strings.Replace(head, "Host: localhost\r\n", "", 1) + "Content-Length: " + length(incident) + "\r\n\r\n" + incident,
		"another protocol":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"a line that is none":            "POST\t/access/v1/evaluation\tHTTP/1.1\r\n\r\n",
		"a chunk with another one's end": head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloPOST / HTTP/1.1\r\n\r\n",
	} {
		if got := raw(t, s, config, text); got != "" && !strings.HasPrefix(got, "4") && !strings.HasPrefix(got, "5") || strings.Contains(got, `"decision":true`) || strings.Contains(got, "Set-Cookie") {
			t.Errorf("%s: %.300s", name, got)
		}
	}
}

func length(s string) string { return strconv.Itoa(len(s)) }

// raw sends bytes as they are, and reads the answer from its status on.
func raw(t *testing.T, s *started, config *tls.Config, text string) string {
	t.Helper()
	config = config.Clone()
	config.NextProtos, config.ServerName = []string{"http/1.1"}, "localhost"
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", strings.TrimPrefix(s.url, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, text) // the server may hang up before the end
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return ""
	}
	c.CloseWrite()
	rest, _ := io.ReadAll(io.LimitReader(r, 64<<10))
	_, status, _ := strings.Cut(line, " ")
	return status + string(rest)
}
