package listen

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentc/decision/identity"
	"agentc/decision/identity/identitytest"
)

var discard = slog.New(slog.DiscardHandler)

// started serves until the test ends, and then it must end cleanly.
func started(t *testing.T, h http.Handler, change func(*http.Server)) (address string, panics *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	panics = new(atomic.Int32)
	s := Server(h, discard, func() { panics.Add(1) })
	if change != nil {
		change(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, s, l, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), panics
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(15 * time.Second))
	return c
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	io.WriteString(w, "ok")
})

// TestSlow: whoever sends a header or a body too slowly is hung up on, and others are answered meanwhile.
func TestSlow(t *testing.T) {
	address, _ := started(t, ok, func(s *http.Server) { s.ReadHeaderTimeout, s.ReadTimeout = 200*time.Millisecond, 400*time.Millisecond })
	for name, begun := range map[string]string{"header": "GET / HT", "body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"} {
		c := dial(t, address)
		io.WriteString(c, begun)
		if r, err := http.Get("http://" + address); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s: another is not answered: %v", name, err)
		} else {
			r.Body.Close()
		}
		if text, err := io.ReadAll(c); err != nil || strings.Contains(string(text), "200 OK") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// TestHostile: requests with two lengths, with a length and chunks, with huge headers.
func TestHostile(t *testing.T) {
	address, _ := started(t, ok, nil)
	for name, request := range map[string]string{
		"two lengths":            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"a huge header":          "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"no host":                "GET / HTTP/1.1\r\n\r\n",
		"a space in a name":      "GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
		"another kind of coding": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	} {
		c := dial(t, address)
		go io.WriteString(c, request)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil && r.StatusCode < 400 {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
}

// TestConnections: one address cannot take all of them, and gets its own back when it closes some.
func TestConnections(t *testing.T) {
	address, _ := started(t, ok, nil)
	var open []net.Conn
	answered := func(c net.Conn) bool {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil && r.StatusCode == http.StatusOK
	}
	for range maxOpenByHost {
		c := dial(t, address)
		if open = append(open, c); !answered(c) {
			t.Fatal("refused before the limit: ", len(open))
		}
	}
	if c := dial(t, address); answered(c) {
		t.Error("one connection more than the limit is answered")
	}
	open[0].Close()
	for range 500 { // the server notices when it reads
		if c := dial(t, address); answered(c) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a connection that was closed still counts")
}

// TestWaiting: whoever waits for news does not hold up the end for long.
func TestWaiting(t *testing.T) {
	waiting, begun := make(chan struct{}), time.Time{}
	t.Cleanup(func() { // after the server has ended
		if took := time.Since(begun); took < hurry || took > drain-time.Second {
			t.Errorf("the end took %v", took)
		}
	})
	address, _ := started(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(waiting)
		<-r.Context().Done()
	}), nil)
	go http.Get("http://" + address)
	<-waiting
	begun = time.Now()
}

// TestPanic: it is an answer, and it is counted.
func TestPanic(t *testing.T) {
	address, panics := started(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault of ours") }), nil)
	for n := int32(1); n <= 2; n++ {
		r, err := http.Get("http://" + address)
		if err != nil || r.StatusCode != http.StatusInternalServerError || panics.Load() != n {
			t.Errorf("%v, %v, %d", r, err, panics.Load())
		}
	}
}

// TestTLS: HTTP/2, and the peer's certificate reaches the handler.
func TestTLS(t *testing.T) {
	ca := identitytest.NewCA(t)
	const id = "spiffe://prod.soc.example/ns/soc-detect/sa/detect"
	folder := ca.Files(t, identitytest.Workload(id))
	k, err := identity.Keep(folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := k.Of(r, time.Now())
		fmt.Fprint(w, r.Proto, " ", p.ID, err)
	}), discard, func() {})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, s, l, k.Server()) }()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client(t, identitytest.Workload(id)), ForceAttemptHTTP2: true}}
	r, err := client.Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	if r.Body.Close(); err != nil || string(text) != "HTTP/2.0 "+id+"<nil>" {
		t.Errorf("%s, %v", text, err)
	}
	client.CloseIdleConnections()
	if stop(); <-ended != nil {
		t.Error("it does not end cleanly")
	}
}

func TestLocalHost(t *testing.T) {
	h := LocalHost(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	for host, want := range map[string]int{"127.0.0.1:8444": 204, "localhost:8444": 204, "[::1]:8444": 204, "evil.example": 421, "127.0.0.1.evil.example:8444": 421, "10.0.0.1": 421} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Host = host
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s is answered with %d", host, w.Code)
		}
	}
}
