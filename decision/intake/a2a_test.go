package intake

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/a2aproject/a2a-go/v2/a2asrv"
)

// agent is one of A2A's own SDK, which remembers what reached it.
type agent struct {
	mu     sync.Mutex
	got    []*a2asrv.ExecutorContext
	answer func(*a2asrv.ExecutorContext) (a2a.Event, error)
}

func (g *agent) Execute(_ context.Context, c *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.got = append(g.got, c)
	return func(yield func(a2a.Event, error) bool) { yield(g.answer(c)) }
}

func (g *agent) Cancel(context.Context, *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	return func(yield func(a2a.Event, error) bool) { yield(nil, a2a.ErrTaskNotCancelable) }
}

func benign(*a2asrv.ExecutorContext) (a2a.Event, error) {
	return a2a.NewMessage(a2a.MessageRoleAgent, a2a.NewTextPart("benign")), nil
}

// certificates of a fleet: who signs, the agent's and ours.
func certificates(t *testing.T) (ca *x509.CertPool, server, client tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(c, parent *x509.Certificate) tls.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fleet"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root = sign(root, root).Leaf
	ca = x509.NewCertPool()
	ca.AddCert(root)
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	server = sign(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"detect.soc-detect.svc.cluster.local"}, ExtKeyUsage: usages}, root)
	id := &url.URL{Scheme: "spiffe", Host: "prod.soc.example", Path: "/ns/soc-system/sa/agentd"}
	client = sign(&x509.Certificate{SerialNumber: big.NewInt(3), URIs: []*url.URL{id}, ExtKeyUsage: usages}, root)
	return ca, server, client
}

// behind mTLS a handler stands at the address that the bundle says.
func behind(t *testing.T, h http.Handler) (*http.Client, *sync.Map) {
	t.Helper()
	ca, server, client := certificates(t)
	paths := &sync.Map{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths.Store(r.Host+r.URL.Path, r.TLS.PeerCertificates[0].URIs[0].String())
		h.ServeHTTP(w, r)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: ca, ClientAuth: tls.RequireAndVerifyClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: ca, Certificates: []tls.Certificate{client}}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, paths
}

// TestAgent: an event reaches an agent of the official SDK, through mTLS, with all that belongs to it.
func TestAgent(t *testing.T) {
	g := &agent{answer: benign}
	client, paths := behind(t, a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(g)))
	r := newRig(t, &Agents{client}, nil)
	for _, raw := range [][]byte{notice(t), alert(1), []byte("\xff no event")} {
		if _, err := r.take(t.Context(), arrival{intake: "falco", raw: raw}); err != nil {
			t.Fatal(err)
		}
	}
	if id, _ := paths.Load("detect.soc-detect.svc.cluster.local:8443/skills/assess-event"); id != "spiffe://prod.soc.example/ns/soc-system/sa/agentd" {
		t.Errorf("called: %v", id)
	}
	recorded := r.records()
	passed := recorded[len(recorded)-2:]
	if len(g.got) < 2 || passed[0].Outcome != Passed || passed[1].Outcome != Passed {
		t.Fatalf("%d reached the agent; %+v", len(g.got), recorded)
	}
	c := g.got[len(g.got)-2]
	header, _ := c.ServiceParams.Get("traceparent")
	version, _ := c.ServiceParams.Get("a2a-version")
	m := c.Message
	if len(header) != 1 || !strings.Contains(header[0], passed[0].TraceID) || m.Metadata[TraceKey] != header[0] || version[0] != "1.0" {
		t.Errorf("traceparent %v and %v, version %v", header, m.Metadata[TraceKey], version)
	}
	if m.ID != passed[0].MessageID || m.Metadata[SkillKey] != "assess-event" || m.Role != a2a.MessageRoleUser {
		t.Errorf("%+v", m)
	}
	anomaly, _ := m.Metadata[AnomalyKey].(map[string]any)
	if _, there := anomaly["percentile"].(float64); !there || anomaly["why"] != "always" || anomaly["score"] == nil || anomaly["rules"] == nil {
		t.Errorf("anomaly: %v", anomaly)
	}
	event, _ := m.Parts[0].Data().(map[string]any)
	if event["uuid"] != "alert-1" || m.Parts[0].MediaType != "application/json" {
		t.Errorf("the event: %+v", m.Parts[0])
	}
	damaged := g.got[len(g.got)-1].Message
	if said, _ := damaged.Metadata[DamagedKey].(string); string(damaged.Parts[0].Raw()) != "\xff no event" || said == "" {
		t.Errorf("damaged: %+v", damaged)
	}
	if known, _ := damaged.Metadata[AnomalyKey].(map[string]any); known["percentile"] != nil || known["score"] != nil || known["failure"] == nil {
		t.Errorf("of what could not be scored nothing is known: %v", known)
	}
}

// TestAgentAnswers: what an agent of the SDK, and what a guard before it may answer, and what follows.
func TestAgentAnswers(t *testing.T) {
	says := func(e a2a.Event, err error) http.Handler {
		return a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(&agent{answer: func(*a2asrv.ExecutorContext) (a2a.Event, error) { return e, err }}))
	}
	task := func(state a2a.TaskState) http.Handler {
		return a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(&agent{answer: func(c *a2asrv.ExecutorContext) (a2a.Event, error) {
			return &a2a.Task{ID: c.TaskID, ContextID: c.ContextID, Status: a2a.TaskStatus{State: state}}, nil
		}}))
	}
	status := func(code int, headers ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, "\x1b[31m why \n")
		})
	}
	body := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	const taken, refused, notSure, closed = "taken", "refused", "unsure", "closed"
	for name, c := range map[string]struct {
		handler http.Handler
		want    string
		says    string
	}{
		"done":                   {task(a2a.TaskStateCompleted), taken, ""},
		"failed later":           {task(a2a.TaskStateFailed), taken, ""},
		"rejected":               {task(a2a.TaskStateRejected), refused, "rejected"},
		"an agent that breaks":   {says(nil, errors.New("oops")), notSure, ""},
		"not permitted":          {says(nil, a2a.ErrUnauthorized), refused, "permission denied"},
		"invalid":                {says(nil, a2a.ErrInvalidParams), refused, "invalid params"},
		"400":                    {status(400), refused, "400"},
		"403":                    {status(403), refused, `403 Forbidden: "\x1b[31m why \n"`},
		"408":                    {status(408), closed, "408"},
		"413":                    {status(413), refused, "413"},
		"425":                    {status(425), closed, "425"},
		"429":                    {status(429, "Retry-After", "7"), closed, "429"},
		"500":                    {status(500), notSure, "500"},
		"502":                    {status(502), notSure, "502"},
		"503":                    {status(503), closed, "503"},
		"504":                    {status(504), notSure, "504"},
		"somewhere else":         {status(307, "Location", "https://elsewhere.example/"), refused, "307"},
		"no JSON":                {body("hello"), notSure, ""},
		"no result":              {body(`{"jsonrpc": "2.0", "id": "1", "result": {}}`), notSure, ""},
		"an error of its own":    {body(`{"jsonrpc": "2.0", "id": "1", "error": {"code": -32050, "message": "a human is asked"}}`), notSure, "a human is asked"},
		"an answer without end":  {body(`{"jsonrpc": "2.0", "x": "` + strings.Repeat("x", 4<<20)), notSure, ""},
		"the connection is shut": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), notSure, ""},
	} {
		client, _ := behind(t, c.handler)
		err := (&Agents{client}).Hand(t.Context(), &Message{ID: "1", TraceParent: "x", URL: "https://detect.soc-detect.svc.cluster.local:8443/skills/a", Skill: "a", Data: json.RawMessage("{}")})
		got := taken
		var r *Refusal
		var u *unsure
		var b *busy
		switch {
		case errors.As(err, &r):
			got = refused
		case errors.As(err, &u):
			got = notSure
		case errors.As(err, &b):
			got = closed
		case err != nil:
			got = err.Error()
		}
		if got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s (%v), want %s", name, got, err, c.want)
		}
		if name == "429" && pauseAfter(err, 0) != 7*time.Second {
			t.Errorf("Retry-After is not heeded: %s", pauseAfter(err, 0))
		}
	}
}

// TestWrongPeer: a certificate of somebody else is a way that is closed, and no event goes there.
func TestWrongPeer(t *testing.T) {
	g := &agent{answer: benign}
	client, _ := behind(t, a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(g)))
	err := (&Agents{client}).Hand(t.Context(), &Message{ID: "1", URL: "https://analyse.soc-analyse.svc.cluster.local:8443/skills/a", Data: json.RawMessage("{}")})
	var b *busy
	if !errors.As(err, &b) || !strings.Contains(err.Error(), "certificate") || len(g.got) != 0 {
		t.Errorf("%v, %d reached it", err, len(g.got))
	}
}

// TestSlowAgent: an agent that does not answer in its own time is asked a few times, and then the event is refused.
func TestSlowAgent(t *testing.T) {
	asked := 0
	h := hopFunc(func(ctx context.Context, _ *Message) error {
		asked++
		<-ctx.Done()
		return &busy{err: ctx.Err()}
	})
	r := newRig(t, h, nil)
	_, f := r.bundle.get()
	f.Fleet.Agents["detect"].RequestMs = 1
	e, err := r.take(t.Context(), arrival{intake: "falco", raw: alert(1), waits: true})
	if err != nil || e.Outcome != Failed || asked < mostUnsure || asked > 100 || !strings.Contains(e.Error, "no answer in 1ms") {
		t.Errorf("%+v, %v, asked %d times", e, err, asked)
	}
}

type hopFunc func(context.Context, *Message) error

func (f hopFunc) Hand(ctx context.Context, m *Message) error { return f(ctx, m) }
