package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"agentc/decision/bundle/bundletest"
	"agentc/decision/identity/identitytest"
	"agentc/decision/record"
)

// started is an agentd that ends with the test, and where its ports are.
type started struct {
	*daemon
	url, health, admin string
}

func start(t *testing.T, f flags, tweaks ...func(*daemon)) *started {
	t.Helper()
	f.listen, f.health, f.admin, f.engine, f.log = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "auto", "error"
	if f.data == "" {
		f.data = t.TempDir()
	}
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	d, err := f.open(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, tweak := range tweaks {
		tweak(d)
	}
	listeners, err := d.listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, len(listeners))
	var loops sync.WaitGroup
	for _, loop := range d.loops() {
		loops.Go(func() { loop(ctx) })
	}
	for _, l := range listeners {
		go func() { ended <- l.serve(ctx) }()
	}
	t.Cleanup(func() {
		stop()
		loops.Wait()
		for range listeners {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := d.end(); err != nil {
			t.Error(err)
		}
	})
	plain := func(i int) string { return "http://" + listeners[i].Addr().String() }
	return &started{d, strings.Replace(plain(0), "http:", map[bool]string{true: "http:", false: "https:"}[f.dev], 1), plain(1), plain(2)}
}

func fetch(t *testing.T, c *http.Client, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	reply, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

func question(env, caller, callee, skill string) string {
	return `{"subject": {"type": "agent", "id": "` + spiffe(env, caller) + `"}, "action": {"name": "` + skill + `"}, "resource": {"type": "agent", "id": "` + callee + `"},
		"context": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "confidence": 0.9, "anomaly": {"percentile": 99.5}, "parameters": {"namespace": "shop"}}}`
}

func spiffe(env, agent string) string {
	return "spiffe://" + env + ".soc.example/ns/soc-" + agent + "/sa/" + agent
}

// TestDev: a question goes in by HTTP, the answer comes out, it leaves a record, and the end is clean.
func TestDev(t *testing.T) {
	s := start(t, flags{dev: true, trust: "key", bundle: "../../generated/dev/bundle"})
	code, text := fetch(t, http.DefaultClient, http.MethodPost, s.url+"/access/v1/evaluation", question("dev", "coordinator", "remediate", "isolate-workload"))
	if code != http.StatusOK || !strings.Contains(text, `"verdict":"escalate"`) || !strings.Contains(text, `"endpoint":"`+s.url) {
		t.Errorf("%d %s", code, text)
	}
	for path, want := range map[string]string{
		s.health + "/readyz": "ok", s.health + "/livez": "ok", s.health + "/healthz": "ok", s.admin + "/status": `"environment":"dev"`,
		s.admin + "/metrics": `agentc_decisions_total{verdict="escalate"} 1`,
	} {
		if code, text := fetch(t, http.DefaultClient, http.MethodGet, path, ""); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	for _, name := range []string{"agentc_bundle_sequence", "agentc_bundle_age_seconds", "agentc_bundle_activation_failures_total", "agentc_escalations_pending 1",
		"agentc_escalation_oldest_seconds 0.", "agentc_audit_lag_seconds 0", `agentc_decisions_total{verdict="auto-execute"} 0`, "agentc_decision_duration_seconds_count 1"} {
		if _, text := fetch(t, http.DefaultClient, http.MethodGet, s.admin+"/metrics", ""); !strings.Contains(text, name) {
			t.Errorf("there is no %s in %s", name, text)
		}
	}
	if code, _ := fetch(t, http.DefaultClient, http.MethodGet, s.url+"/metrics", ""); code != http.StatusNotFound {
		t.Errorf("metrics on the port of decisions: %d", code)
	}
	if code, text := fetch(t, http.DefaultClient, http.MethodGet, s.url+"/bundle.tar.gz", ""); code != http.StatusServiceUnavailable {
		t.Errorf("a folder is given as an archive: %d %s", code, text)
	}
	names, err := filepath.Glob(filepath.Join(s.data, "log", "*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	lines, err := os.ReadFile(names[0])
	if err != nil || !strings.Contains(string(lines), `"kind":"bundle"`) || !strings.Contains(string(lines), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) || strings.Contains(string(lines), "shop") {
		t.Errorf("%s, %v", lines, err)
	}
}

// TestProduction: with certificates and a sealed bundle, which guards fetch; nobody asks for another, and nobody gets in without a certificate.
func TestProduction(t *testing.T) {
	s, ca := sealed(t)
	inForce, err := s.loader.Current()
	if err != nil {
		t.Fatal(err)
	}
	archive := string(inForce.Archive)
	as := func(n identitytest.Names) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client(t, n), ForceAttemptHTTP2: true}}
	}
	incident := question("prod", "detect", "coordinator", "handle-incident")
	for _, c := range []struct {
		who  string
		code int
		want string
	}{
		{"coordinator", http.StatusOK, `"decision":true`},
		{"detect", http.StatusOK, `"verdict":"escalate"`}, // its percentile is its own claim
		{"notify", http.StatusForbidden, "you may ask for yourself"},
	} {
		client := as(identitytest.Workload(spiffe("prod", c.who)))
		if code, text := fetch(t, client, http.MethodPost, s.url+"/access/v1/evaluation", incident); code != c.code || !strings.Contains(text, c.want) || c.code == 200 && !strings.Contains(text, `"sequence":7`) {
			t.Errorf("%s: %d %s", c.who, code, text)
		}
		if code, text := fetch(t, client, http.MethodGet, s.url+"/bundle.tar.gz", ""); code != http.StatusOK || text != archive {
			t.Errorf("%s: the bundle: %d, %d bytes", c.who, code, len(text))
		}
	}
	nobody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if code, text := fetch(t, nobody, http.MethodPost, s.url+"/access/v1/evaluation", incident); code != 0 {
		t.Errorf("nobody: %d %s", code, text)
	}
	if _, text := fetch(t, http.DefaultClient, http.MethodGet, s.admin+"/metrics", ""); !strings.Contains(text, "agentc_certificate_expiry_seconds 3") || !strings.Contains(text, "agentc_bundle_sequence 7") || !strings.Contains(text, `agentc_requests_refused_total{why="forbidden"} 1`) {
		t.Error(text)
	}
}

// TestRestart: what was in force and what was recorded outlive the process, and the log is one chain.
func TestRestart(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		t.Run("", func(t *testing.T) {
			s := start(t, flags{dev: true, trust: "key", bundle: "../../generated/dev/bundle", data: data})
			if code, text := fetch(t, http.DefaultClient, http.MethodPost, s.url+"/access/v1/evaluation", question("dev", "detect", "coordinator", "handle-incident")); code != http.StatusOK {
				t.Errorf("%d %s", code, text)
			}
		})
	}
	key, err := record.PublicKey(data)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := record.Verify(data, key); err != nil || !r.Integrity.Good || !r.Completeness.Good {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestNotReady: without a bundle agentd lives, is not ready, and answers nothing.
func TestNotReady(t *testing.T) {
	ca := identitytest.NewCA(t)
	own, keys := ca.Files(t, identitytest.Workload("spiffe://prod.soc.example/ns/soc-system/sa/agentd")), t.TempDir()
	key := bundletest.NewKey(t, "RS256")
	der, err := x509.MarshalPKIXPublicKey(key.Keys[key.ID])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "k.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, flags{environment: "prod", trust: "key", keys: keys, bundle: filepath.Join(keys, "not-there"), tls: own, ca: own})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client(t, identitytest.Workload(spiffe("prod", "detect")))}}
	if code, text := fetch(t, client, http.MethodPost, s.url+"/access/v1/evaluation", question("prod", "detect", "coordinator", "handle-incident")); code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", code, text)
	}
	if code, text := fetch(t, http.DefaultClient, http.MethodGet, s.health+"/readyz", ""); code != http.StatusServiceUnavailable || !strings.Contains(text, "no bundle yet") {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := fetch(t, http.DefaultClient, http.MethodGet, s.health+"/livez", ""); code != http.StatusOK {
		t.Errorf("it does not live: %d", code)
	}
	var status struct {
		Unready string
		Bundle  struct{ Error string }
	}
	if _, text := fetch(t, http.DefaultClient, http.MethodGet, s.admin+"/status", ""); json.Unmarshal([]byte(text), &status) != nil || !strings.Contains(status.Bundle.Error, "no such file") {
		t.Error(text)
	}
}

// TestRefused: what would be open to others, and what is no bundle.
func TestRefused(t *testing.T) {
	const bundle, missing = "../../generated/dev/bundle", "--environment=prod --tls=x --ca=x --data=DATA --trust=git"
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "uri"), []byte("host=db user=agentd password=hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string]string{
		"--bundle: a file":                            "--dev",
		"--keys: the folder of the public keys":       "--bundle=x",
		"--tls and --ca":                              "--bundle=x --trust=git",
		"--data":                                      "--bundle=x --trust=git --tls=x --ca=x",
		"--environment":                               "--bundle=x --trust=git --tls=x --ca=x --data=x",
		"--trust git takes a mounted file":            "--bundle=https://x --trust=git",
		"is without TLS":                              "--bundle=http://x --keys=x",
		"holds a user or a password":                  "--bundle=https://ana:hunter2@x --keys=x",
		"uri holds no postgres:// URI":                "--dev --listen=127.0.0.1:0 --credentials=CREDENTIALS --database=uri --bundle=" + bundle,
		"--trust is \"any\"":                          "--bundle=x --trust=any",
		"--engine is \"wasm\"":                        "--bundle=x --engine=wasm",
		"--dev-person and --unrecorded go":            "--bundle=x --dev-person=ana",
		"--unrecorded go with --dev":                  "--bundle=x --unrecorded",
		"with --dev it is an address of this machine": "--dev --listen=:0 --bundle=" + bundle,
		`--listen is "0.0.0.0:0"`:                     "--dev --listen=0.0.0.0:0 --bundle=" + bundle,
		`--listen is "localhost:0"`:                   "--dev --listen=localhost:0 --bundle=" + bundle,
		`--admin is "0.0.0.0:0"`:                      "--dev --admin=0.0.0.0:0 --bundle=" + bundle,
		"no such file":                                "--dev --listen=127.0.0.1:0 --bundle=nowhere",
		"there is no bundle here":                     "--dev --listen=127.0.0.1:0 --bundle=../../generated/dev",
		"--log-level":                                 "--dev --log-level=loud --bundle=" + bundle,
		"open x/tls.crt":                              missing + " --bundle=" + bundle,
	} {
		root := newRoot()
		args = strings.NewReplacer("DATA", t.TempDir(), "CREDENTIALS", credentials).Replace(args)
		root.SetArgs(append([]string{"serve"}, strings.Fields(args)...))
		root.SetErr(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
