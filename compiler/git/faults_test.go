package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentc/compiler/git/gittest"

	"github.com/go-git/go-git/v5/plumbing"
)

// silent accepts connections and says nothing.
func silent(t testing.TB) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().String()
}

// soon runs something that must give up by itself, and leave no conversation behind that goes on.
func soon(t testing.TB, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		for range 100 {
			if talking() == "" {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("it is still talking:\n%s", talking())
		return err
	case <-time.After(time.Minute):
		t.Fatalf("it hangs:\n%s", talking())
		return nil
	}
}

// talking are the goroutines of clients. The servers of these tests are other programs, or leave other traces.
func talking() string {
	stacks := make([]byte, 1<<20)
	var left []string
	for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "x/crypto/ssh.") || strings.Contains(stack, "net/http.(*persistConn)") || strings.Contains(stack, "git.(*stream)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// TestSilentServer: a server that accepts and then says nothing ends with Options.Timeout, or with the context.
func TestSilentServer(t *testing.T) {
	hermit(t)
	server := gittest.SSH(t, gittest.Bare(t))
	server.Login(t)
	u := Update{Branch: "main", New: plumbing.NewHash(strings.Repeat("1", 40))}
	for _, scheme := range []string{"http", "https", "ssh"} {
		t.Run(scheme, func(t *testing.T) {
			r := openRemote(t, scheme+"://"+silent(t)+"/fleet.git", Options{Timeout: 300 * time.Millisecond})
			err := soon(t, func() error { _, err := r.Fetch(context.Background(), "main"); return err })
			wantFailure(t, err, Timeout, "reading "+r.String(), "did not end within 300ms")
			err = soon(t, func() error { return r.Push(context.Background(), u) })
			wantFailure(t, err, Timeout, "pushing "+r.String())

			r.timeout = time.Hour
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			err = soon(t, func() error { _, err := r.Fetch(ctx, "main"); return err })
			wantFailure(t, err, Timeout)
			ctx, cancel = context.WithCancel(context.Background())
			time.AfterFunc(200*time.Millisecond, cancel)
			if err := soon(t, func() error { return r.Push(ctx, u) }); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestHangingHook: a hook that does not end, and does not listen. The push was sent, so nobody knows.
func TestHangingHook(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
			mark := filepath.Join(t.TempDir(), "mark")
			gittest.Hook(t, repo, "pre-receive", "trap '' TERM; touch "+mark+"; while test -e "+mark+"; do sleep 0.1; done; exit 1")
			r := openRemote(t, way.url(t, repo), Options{})
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- r.Push(ctx, u) }()
			waitFor(func() bool { _, err := os.Stat(mark); return err == nil })
			cancel()
			err := soon(t, func() error { return <-done })
			os.Remove(mark)
			var unknown *Unknown
			if !errors.As(err, &unknown) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not known") {
				t.Errorf("got %T %v, want *Unknown", err, err)
			}
		})
	}
}

// TestAbandonedHook: a hook on this machine is ended with the push, whether it listens or not, and does not go on behind our
// back.
func TestAbandonedHook(t *testing.T) {
	hermit(t)
	for name, trap := range map[string]string{"listens": "", "does not listen": "trap '' TERM\n"} {
		t.Run(name, func(t *testing.T) {
			repo := gittest.Bare(t)
			u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
			beat := filepath.Join(t.TempDir(), "beat")
			gittest.Hook(t, repo, "pre-receive", trap+"for i in $(seq 600); do echo >> "+beat+"; sleep 0.1; done")
			beats := func() int64 {
				info, err := os.Stat(beat)
				if err != nil {
					return 0
				}
				return info.Size()
			}
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				waitFor(func() bool { return beats() > 0 })
				cancel()
			}()
			if err := openRemote(t, repo, Options{}).Push(ctx, u); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if !waitFor(func() bool { before := beats(); time.Sleep(500 * time.Millisecond); return beats() == before }) {
				t.Error("the hook goes on")
			}
		})
	}
}

// TestHangingGit: a git that says nothing and does not listen, as on a dead network drive.
func TestHangingGit(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	mark := filepath.Join(os.Getenv("HOME"), "mark")
	write(t, "mark", "")
	write(t, "bin/git", "#!/bin/sh\ntrap '' TERM\nwhile test -e "+mark+"; do sleep 0.1; done\n")
	if err := os.Chmod(filepath.Join(os.Getenv("HOME"), "bin/git"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(mark) })
	t.Setenv("PATH", filepath.Join(os.Getenv("HOME"), "bin")+":"+os.Getenv("PATH"))
	r := openRemote(t, repo, Options{Timeout: 300 * time.Millisecond})
	err := soon(t, func() error { _, err := r.Fetch(context.Background(), "main"); return err })
	wantFailure(t, err, Timeout, "reading")
}

// waitFor gives something twenty seconds to become true.
func waitFor(is func() bool) bool {
	for range 1000 {
		if is() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// link stands between client and server and lets only so much through.
type link struct {
	addr     string
	up, down atomic.Int64 // what went through: to the server, from the server
}

// newLink forwards to a server. Where a limit is reached, it drops the connection, or stalls it.
func newLink(t testing.TB, to string, maxUp, maxDown int64, stall bool) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{addr: listener.Addr().String()}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			end := func() {
				if stall {
					<-ended
				}
				client.Close()
				server.Close()
			}
			go func() { pipe(server, client, &l.up, maxUp, stall); end() }()
			go func() { pipe(client, server, &l.down, maxDown, stall); end() }()
		}
	}()
	return l
}

// pipe copies until the limit, over all connections, is reached.
func pipe(to io.Writer, from io.Reader, sum *atomic.Int64, limit int64, stall bool) {
	buf := make([]byte, 512)
	for {
		n, err := from.Read(buf)
		if room := limit - sum.Load(); limit > 0 && int64(n) >= room {
			to.Write(buf[:max(room, 0)])
			sum.Add(max(room, 0))
			return
		}
		to.Write(buf[:n])
		sum.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// through is the URL of a repository behind a link; the server's key is known there too.
func through(t testing.TB, rawURL string, l *link) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme == "ssh" {
		known, err := os.ReadFile(os.Getenv("SSH_KNOWN_HOSTS"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "known_hosts")
		_, key, _ := strings.Cut(string(known), " ")
		host, port, _ := net.SplitHostPort(l.addr)
		if err := os.WriteFile(file, []byte(fmt.Sprintf("[%s]:%s %s", host, port, key)), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("SSH_KNOWN_HOSTS", file)
	}
	u.Host = l.addr
	return u.String()
}

func host(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// noise is a text that does not compress, so that there is a middle to drop a connection in.
func noise(n int) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		text.WriteString(plumbing.ComputeHash(plumbing.BlobObject, []byte(fmt.Sprint(i))).String())
	}
	return text.String()
}

// wantDropped checks that a lost connection is called one. In the middle of a header of HTTP it looks like one that is wrong.
func wantDropped(t testing.TB, err error, step string) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "malformed MIME")) {
		wantFailure(t, err, Broken, step)
		return
	}
	wantFailure(t, err, Dropped, step)
}

// TestDroppedFetch cuts the connection at every fifth of a fetch.
func TestDroppedFetch(t *testing.T) {
	for _, way := range ways[1:] {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			gittest.Commit(t, repo, "main", map[string]string{"a": noise(100_000)})
			server := way.url(t, repo)
			whole := newLink(t, host(t, server), 0, 0, false)
			fetchBranch(t, openRemote(t, through(t, server, whole), Options{}), "main")
			for part := range int64(5) {
				cut := newLink(t, host(t, server), 0, whole.down.Load()*part/5+1, false)
				r := openRemote(t, through(t, server, cut), Options{})
				_, err := r.Fetch(context.Background(), "main")
				wantDropped(t, err, "reading")
				stuck := newLink(t, host(t, server), 0, whole.down.Load()*part/5+1, true)
				r = openRemote(t, through(t, server, stuck), Options{Timeout: 500 * time.Millisecond})
				err = soon(t, func() error { _, err := r.Fetch(context.Background(), "main"); return err })
				wantFailure(t, err, Timeout, "reading")
			}
		})
	}
}

// TestDroppedPush cuts the connection at every fifth of what is sent, and of what is answered. The branch is before or after,
// and where that is not known, the error says so; a new try then finds out.
func TestDroppedPush(t *testing.T) {
	for _, way := range ways[1:] {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			server := way.url(t, repo)
			push := func(name string, maxUp, maxDown int64) (*link, error) {
				u := draftUpdate(t, repo, name, map[string]string{"a": noise(50_000) + name})
				l := newLink(t, host(t, server), maxUp, maxDown, false)
				err := openRemote(t, through(t, server, l), Options{}).Push(context.Background(), u)
				time.Sleep(100 * time.Millisecond) // the server may still be at it
				at, moved := gittest.Tip(t, repo, name), gittest.Tip(t, repo, name) == u.New.String()
				var unknown *Unknown
				if at != "" && !moved || err == nil && !moved || err != nil && moved && !errors.As(err, &unknown) {
					t.Errorf("%s: the branch is at %q, the error is %v", name, at, err)
				}
				return l, err
			}
			whole, err := push("whole", 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			for part := range int64(5) {
				for name, limit := range map[string][2]int64{"up": {whole.up.Load()*part/5 + 1, 0}, "down": {0, whole.down.Load()*part/5 + 1}} {
					_, err := push(fmt.Sprintf("%s-%d", name, part), limit[0], limit[1])
					if err == nil && limit[0] > 0 {
						t.Errorf("%s-%d: nothing went wrong", name, part)
					}
					if err != nil {
						wantDropped(t, err, "pushing")
					}
				}
			}
		})
	}
}

// TestKilledService: the process that takes the push dies.
func TestKilledService(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
			gittest.Hook(t, repo, "pre-receive", "kill -9 $PPID; sleep 1; exit 1")
			err := openRemote(t, way.url(t, repo), Options{}).Push(context.Background(), u)
			var unknown *Unknown
			if !errors.As(err, &unknown) || gittest.Tip(t, repo, "main") != "" {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

// TestAnswers: web servers that answer, but not as Git does.
func TestAnswers(t *testing.T) {
	git := func(service, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/x-"+req.URL.Query().Get("service")+"-advertisement")
			io.WriteString(w, body)
		}
	}
	refs := func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/x-"+req.URL.Query().Get("service")+"-advertisement")
		line := strings.Repeat("1", 40) + " refs/heads/" + strings.Repeat("x", 60_000)
		for first := true; ; first = false {
			text := line
			if first {
				text += "\x00report-status"
			}
			if _, err := fmt.Fprintf(w, "%04x%s", len(text)+4, text); err != nil {
				return
			}
		}
	}
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) { http.Error(w, text, code) }
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		cause   Cause
		words   string
	}{
		{"404", status(404, "Not Found"), NotFound, "HTTP 404"},
		{"401", status(401, ""), NeedsLogin, "AGENTC_GIT_PASSWORD"},
		{"403", status(403, "\x1b[31mPermission to soc/fleet.git denied to bot."), Denied, "Permission to soc/fleet.git denied to bot."},
		{"500", status(500, strings.Repeat("x", 10<<20)), Broken, "HTTP 500"},
		{"502", status(502, ""), Unreachable, "HTTP 502"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, NotFound, "not with Git's protocol"},
		{"empty", git("", ""), Dropped, ""},
		{"junk", git("", strings.Repeat("junk", 1<<20)), Dropped, ""},
		{"not a commit", git("", "0008zz \n"), Broken, ""},
		{"an error line", git("", "0020ERR Repository not found.\n\n\n"), NotFound, ""},
		{"endless branches", refs, Broken, "absurdly large"},
		{"in circles", func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, req.URL.String(), 302) }, Broken, "in circles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hermit(t)
			server := httptest.NewServer(test.handler)
			defer server.Close()
			r := openRemote(t, server.URL+"/fleet.git", Options{})
			_, err := r.Fetch(context.Background(), "main")
			wantFailure(t, err, test.cause, test.words, "reading")
			if len(err.Error()) > maxShown+1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			err = r.Push(context.Background(), Update{Branch: "main", New: plumbing.NewHash(strings.Repeat("1", 40))})
			wantFailure(t, err, test.cause, test.words, "pushing")
		})
	}
}

// TestLateAnswers: the push itself is answered by a status. What is certain is a failure or a rejection, the rest unknown.
func TestLateAnswers(t *testing.T) {
	answer := func(code int, text string) gittest.Wrap {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Method == http.MethodPost {
					http.Error(w, text, code)
					return
				}
				next.ServeHTTP(w, req)
			})
		}
	}
	push := func(t *testing.T, wrap gittest.Wrap) error {
		hermit(t)
		repo := gittest.Bare(t)
		u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
		return openRemote(t, gittest.HTTP(t, repo, wrap), Options{}).Push(context.Background(), u)
	}
	t.Run("too large", func(t *testing.T) { wantRejected(t, push(t, answer(413, "")), Refused, "413") })
	t.Run("protected", func(t *testing.T) {
		wantRejected(t, push(t, answer(403, "You are not allowed to push code to protected branches on this project.")), Protected, "protected branches")
	})
	t.Run("forbidden", func(t *testing.T) {
		err := push(t, answer(403, "no"))
		wantFailure(t, err, Denied, "HTTP 403 Forbidden: no")
		var unknown *Unknown
		if errors.As(err, &unknown) {
			t.Error("it is known that the push was not taken")
		}
	})
	t.Run("a gateway gave up", func(t *testing.T) {
		err := push(t, answer(504, ""))
		wantFailure(t, err, Unreachable, "not known", "HTTP 504")
	})
}

func TestNobodyThere(t *testing.T) {
	hermit(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	empty := t.TempDir()
	server := gittest.SSH(t, filepath.Join(empty, "gone.git"))
	server.Login(t)
	for _, test := range []struct {
		url   string
		cause Cause
		words string
	}{
		{"http://" + closed + "/fleet.git", Unreachable, "refused"},
		{"ssh://" + closed + "/fleet.git", Unreachable, "refused"},
		{"https://nobody.invalid/fleet.git", Unreachable, "nobody.invalid"},
		{empty, NotFound, "does not appear to be a git repository"},
		{filepath.Join(empty, "gone.git"), NotFound, "gone.git"},
		{"file://" + empty, NotFound, empty},
		{server.URL, NotFound, "gone.git"},
		{gittest.HTTP(t, filepath.Join(gittest.Bare(t), "..", "gone.git")), NotFound, "404"},
	} {
		_, err := openRemote(t, test.url, Options{}).Fetch(context.Background(), "main")
		wantFailure(t, err, test.cause, test.words)
	}
}

func TestNoGit(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	t.Setenv("PATH", t.TempDir())
	_, err := openRemote(t, repo, Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, NoGit, "install git")
}

// TestInsideHook: whatever a surrounding git has put into the environment is not for the one that we start.
func TestInsideHook(t *testing.T) {
	hermit(t)
	repo, other := gittest.Bare(t), gittest.Bare(t)
	gittest.Commit(t, repo, "main", map[string]string{"a": "1"})
	t.Setenv("GIT_PROTOCOL", "version=2")
	want := gittest.Tip(t, repo, "main")
	t.Setenv("GIT_DIR", other)
	t.Setenv("GIT_QUARANTINE_PATH", other)
	if b := fetchBranch(t, openRemote(t, repo, Options{}), "main"); b.Tip.String() != want {
		t.Errorf("read %s, want %s", b.Tip, want)
	}
}
