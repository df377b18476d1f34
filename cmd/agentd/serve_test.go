package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServe: a question goes in by HTTP, the answer comes out, and the end is clean.
func TestServe(t *testing.T) {
	s := serving{bundle: "../../generated/dev/bundle", listen: "127.0.0.1:0", engine: "auto", dev: true}
	l, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, l) }()
	body := `{"subject": {"type": "agent", "id": "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator"}, "action": {"name": "isolate-workload"},
		"resource": {"type": "agent", "id": "remediate"}, "context": {"confidence": 0.9, "anomaly": {"percentile": 99}, "parameters": {"namespace": "shop"}}}`
	client := http.Client{Timeout: 10 * time.Second}
	r, err := client.Post("http://"+l.Addr().String()+"/access/v1/evaluation", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || r.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"verdict":"escalate"`)) {
		t.Errorf("%d %s, %v", r.StatusCode, text, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRefused: what would be open to others, and what is no bundle.
func TestRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"there is nothing but --dev yet":              {"serve", "--bundle", "../../generated/dev/bundle"},
		"with --dev it is an address of this machine": {"serve", "--dev", "--bundle", "../../generated/dev/bundle", "--listen", ":0"},
		`--listen is "0.0.0.0:0"`:                     {"serve", "--dev", "--bundle", "../../generated/dev/bundle", "--listen", "0.0.0.0:0"},
		`--listen is "localhost:0"`:                   {"serve", "--dev", "--bundle", "../../generated/dev/bundle", "--listen", "localhost:0"},
		`--engine is "wasm"; it is auto or rego`:      {"serve", "--dev", "--bundle", "../../generated/dev/bundle", "--engine", "wasm"},
		"no such file":                                {"serve", "--dev", "--bundle", "nowhere", "--listen", "127.0.0.1:0"},
		"the bundle's .manifest":                      {"serve", "--dev", "--bundle", "../../generated/dev", "--listen", "127.0.0.1:0"},
	} {
		root := newRoot()
		root.SetArgs(args)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
