package gittest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// Wrap stands between the clients and git's http server.
type Wrap func(http.Handler) http.Handler

// HTTP serves a repository over http by `git http-backend` and returns its URL.
func HTTP(t testing.TB, repo string, wraps ...Wrap) string {
	t.Helper()
	var handler http.Handler = &cgi.Handler{
		Path: filepath.Join(Git(t, "", "--exec-path"), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(repo), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		},
		InheritEnv: []string{"PATH", "HOME"},
		Stderr:     io.Discard,
	}
	handler = whole(handler)
	for _, wrap := range wraps {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return server.URL + "/" + filepath.Base(repo)
}

// whole keeps requests that break off from git http-backend, as proxies in front of it do: it would wait for the rest forever,
// at full speed.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, req)
	})
}

// Login lets nobody through who does not know the password.
func Login(user, password string) Wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if u, p, ok := req.BasicAuth(); !ok || u != user || p != password {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}
