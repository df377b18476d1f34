package git

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentc/compiler/git/gittest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

const secret = "hunter2-of-the-soc"

// write puts a file below HOME.
func write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(os.Getenv("HOME"), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLogin: where a password for http is found, and that it is not sent where it is not needed, nor ever printed.
func TestLogin(t *testing.T) {
	helper := func(t *testing.T, password string) {
		t.Setenv("GIT_CONFIG_COUNT", "1")
		t.Setenv("GIT_CONFIG_KEY_0", "credential.helper")
		t.Setenv("GIT_CONFIG_VALUE_0", "!f() { test \"$1\" = get && echo username=bot && echo password="+password+"; }; f")
	}
	for _, test := range []struct {
		name  string
		user  string // in the URL
		setup func(t *testing.T)
		cause Cause // -1: it works
		words string
	}{
		{"nothing", "", func(t *testing.T) {}, NeedsLogin, "AGENTC_GIT_PASSWORD"},
		{"nobody is asked", "", func(t *testing.T) {
			for _, name := range []string{"GIT_ASKPASS", "SSH_ASKPASS"} {
				write(t, "ask", "#!/bin/sh\ntouch "+os.Getenv("HOME")+"/asked; echo "+secret+"\n")
				os.Chmod(filepath.Join(os.Getenv("HOME"), "ask"), 0o700)
				t.Setenv(name, filepath.Join(os.Getenv("HOME"), "ask"))
			}
		}, NeedsLogin, ""},
		{"environment", "", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_USERNAME", "bot")
			t.Setenv("AGENTC_GIT_PASSWORD", secret)
		}, -1, ""},
		{"environment and URL", "bot", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_USERNAME", "somebody")
			t.Setenv("AGENTC_GIT_PASSWORD", secret)
		}, -1, ""},
		{"wrong environment", "", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_PASSWORD", secret)
		}, Denied, "with the credentials of AGENTC_GIT_PASSWORD"}, // the user is `git`, and must be `bot`
		{"netrc", "", func(t *testing.T) {
			write(t, ".netrc", "default login x password y\nmachine other login bot password no\nmachine 127.0.0.1 login bot password "+secret+"\n")
		}, -1, ""},
		{"wrong netrc", "", func(t *testing.T) { write(t, ".netrc", "machine 127.0.0.1 password "+secret+"x\n") }, Denied, "~/.netrc"},
		{"helper", "", func(t *testing.T) { helper(t, secret) }, -1, ""},
		{"wrong helper", "bot", func(t *testing.T) { helper(t, secret+"x") }, Denied, "credential helper"},
		{"no git for a helper", "", func(t *testing.T) { t.Setenv("PATH", "") }, NeedsLogin, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
			url := gittest.HTTP(t, repo, gittest.Login("bot", secret))
			if test.user != "" {
				url = strings.Replace(url, "://", "://"+test.user+"@", 1)
			}
			test.setup(t)
			r := openRemote(t, url, Options{})
			_, err := r.Fetch(context.Background(), "main")
			pushed := openRemote(t, url, Options{}).Push(context.Background(), u)
			if test.cause < 0 {
				if err != nil || pushed != nil {
					t.Errorf("fetch: %v; push: %v", err, pushed)
				}
				return
			}
			for _, err := range []error{err, pushed} {
				wantFailure(t, err, test.cause, test.words)
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%v holds the password", err)
				}
			}
			if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), "asked")); err == nil {
				t.Error("a person was asked")
			}
		})
	}
}

// TestLoginIsAskedFor: no credentials go to a remote that does not want any; once it has wanted some, they are sent directly.
func TestLoginIsAskedFor(t *testing.T) {
	hermit(t)
	t.Setenv("AGENTC_GIT_USERNAME", "bot")
	t.Setenv("AGENTC_GIT_PASSWORD", secret)
	repo := gittest.Bare(t)
	var anonymous, named atomic.Int32
	count := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") == "" {
				anonymous.Add(1)
			} else {
				named.Add(1)
			}
			next.ServeHTTP(w, req)
		})
	}
	fetchBranch(t, openRemote(t, gittest.HTTP(t, repo, count), Options{}), "main")
	if named.Load() != 0 {
		t.Error("credentials were sent that nobody wanted")
	}
	anonymous.Store(0)
	r := openRemote(t, gittest.HTTP(t, repo, gittest.Login("bot", secret), count), Options{})
	fetchBranch(t, r, "main")
	fetchBranch(t, r, "main")
	if anonymous.Load() != 1 || named.Load() != 2 {
		t.Errorf("%d requests without credentials and %d with, want 1 and 2", anonymous.Load(), named.Load())
	}
}

// TestLoginIsNotForAllToRead: over http credentials go to this machine only, wherever they are from.
func TestLoginIsNotForAllToRead(t *testing.T) {
	hermit(t)
	t.Setenv("AGENTC_GIT_PASSWORD", secret)
	write(t, ".netrc", "machine 0.0.0.0 login bot password "+secret)
	var named atomic.Int32
	url := gittest.HTTP(t, gittest.Bare(t), gittest.Login("git", secret), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "" {
				named.Add(1)
			}
			next.ServeHTTP(w, req)
		})
	})
	elsewhere := strings.Replace(url, "127.0.0.1", "0.0.0.0", 1) // which leads to the same server, and is no loopback address
	_, err := openRemote(t, elsewhere, Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, NeedsLogin, "not sent over unencrypted http")
	if named.Load() > 0 {
		t.Error("credentials were sent")
	}
	fetchBranch(t, openRemote(t, strings.Replace(url, "127.0.0.1", "localhost", 1), Options{}), "main")
}

// TestPrograms: programs of others see nothing that is meant for us, neither a repository's hooks nor a credential helper.
func TestPrograms(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
	for _, name := range []string{"AGENTC_SEAL_KEY", "AGENTC_COMMIT_KEY", "AGENTC_COMMIT_KEY_PASSPHRASE", "AGENTC_GIT_SSH_PASSPHRASE"} {
		t.Setenv(name, secret)
	}
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "credential.helper")
	t.Setenv("GIT_CONFIG_VALUE_0", "!env > "+filepath.Join(os.Getenv("HOME"), "helper")+"; true")
	gittest.Hook(t, repo, "pre-receive", "env > "+filepath.Join(os.Getenv("HOME"), "hook"))
	pushAll(t, openRemote(t, repo, Options{}), u)
	_, err := openRemote(t, gittest.HTTP(t, repo, gittest.Login("bot", secret)), Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, NeedsLogin)
	for _, name := range []string{"hook", "helper"} {
		env, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(env), "AGENTC_") || strings.Contains(string(env), secret) {
			t.Errorf("the %s sees\n%s", name, env)
		}
	}
}

// TestRedirects: a renamed repository is followed, with the credentials; another host gets neither a request nor them.
func TestRedirects(t *testing.T) {
	hermit(t)
	t.Setenv("AGENTC_GIT_USERNAME", "bot")
	t.Setenv("AGENTC_GIT_PASSWORD", secret)
	var reached atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	repo := gittest.Bare(t)
	u := draftUpdate(t, repo, "main", map[string]string{"a": "1"})
	url := gittest.HTTP(t, repo, gittest.Login("bot", secret), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			switch {
			case strings.HasPrefix(req.URL.Path, "/renamed"):
				http.Redirect(w, req, strings.Replace(req.URL.String(), "/renamed", "", 1), http.StatusMovedPermanently)
			case strings.HasPrefix(req.URL.Path, "/away"):
				http.Redirect(w, req, other.URL+req.URL.String(), http.StatusFound)
			case strings.HasPrefix(req.URL.Path, "/late") && req.Method == http.MethodPost:
				http.Redirect(w, req, other.URL+req.URL.String(), http.StatusTemporaryRedirect)
			default:
				req.URL.Path = strings.TrimPrefix(req.URL.Path, "/late")
				next.ServeHTTP(w, req)
			}
		})
	})
	pushAll(t, openRemote(t, strings.Replace(url, "/fleet.git", "/renamed/fleet.git", 1), Options{}), u)
	_, err := openRemote(t, strings.Replace(url, "/fleet.git", "/away/fleet.git", 1), Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, NotFound, "sends us on to "+other.URL)
	_, err = openRemote(t, strings.Replace(url, "/fleet.git", "/late/fleet.git", 1), Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, NotFound, "sends us on to "+other.URL)
	if reached.Load() > 0 {
		t.Error("the other host was asked")
	}
}

// TestCertificate: a server whose certificate nobody vouches for.
func TestCertificate(t *testing.T) {
	hermit(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	_, err := openRemote(t, server.URL+"/fleet.git", Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, Untrusted, "SSL_CERT_FILE")
}

// TestSSHKeys: where keys are found, what is said of those that do not fit, and that no unknown host is talked to.
func TestSSHKeys(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	gittest.Commit(t, repo, "main", map[string]string{"a": "1"})
	server := gittest.SSH(t, repo)
	stranger := gittest.SSH(t, repo)
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	key, wrong := read(server.Key), read(stranger.Key)
	knowsOther := strings.Replace(read(stranger.KnownHosts), stranger.Addr[strings.LastIndex(stranger.Addr, ":")+1:], server.Addr[strings.LastIndex(server.Addr, ":")+1:], 1)
	for _, test := range []struct {
		name  string
		setup func(t *testing.T)
		cause Cause // -1: it works
		words string
	}{
		{"environment", func(t *testing.T) { t.Setenv("AGENTC_GIT_SSH_KEY", key) }, -1, ""},
		{"environment without the last line end", func(t *testing.T) { t.Setenv("AGENTC_GIT_SSH_KEY", strings.TrimSpace(key)) }, -1, ""},
		{"encrypted", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_SSH_KEY", encrypted(t, key))
			t.Setenv("AGENTC_GIT_SSH_PASSPHRASE", secret)
		}, -1, ""},
		{"encrypted, no passphrase", func(t *testing.T) { t.Setenv("AGENTC_GIT_SSH_KEY", encrypted(t, key)) }, BadKey, "AGENTC_GIT_SSH_PASSPHRASE"},
		{"a file's name", func(t *testing.T) { t.Setenv("AGENTC_GIT_SSH_KEY", server.Key) }, BadKey, "the key itself"},
		{"the wrong key", func(t *testing.T) { t.Setenv("AGENTC_GIT_SSH_KEY", wrong) }, Denied, "AGENTC_GIT_SSH_KEY"},
		{"no key", func(t *testing.T) {}, NeedsLogin, "no ssh key was found"},
		{"a file", func(t *testing.T) { write(t, ".ssh/id_ed25519", key) }, -1, ""},
		{"the wrong file", func(t *testing.T) { write(t, ".ssh/id_rsa", wrong) }, Denied, "~/.ssh/id_rsa"},
		{"an encrypted file", func(t *testing.T) { write(t, ".ssh/id_ed25519", encrypted(t, key)) }, NeedsLogin, ""},
		{"agent", func(t *testing.T) { startAgent(t, server.Key) }, -1, ""},
		{"agent with another, and a file", func(t *testing.T) {
			startAgent(t, stranger.Key)
			write(t, ".ssh/id_ed25519", key)
		}, -1, ""},
		{"agent with another", func(t *testing.T) { startAgent(t, stranger.Key) }, Denied, "the ssh-agent"},
		{"known by the user's file", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_SSH_KEY", key)
			t.Setenv("SSH_KNOWN_HOSTS", "")
			write(t, ".ssh/known_hosts", read(server.KnownHosts))
		}, -1, ""},
		{"unknown host", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_SSH_KEY", key)
			t.Setenv("SSH_KNOWN_HOSTS", stranger.KnownHosts)
		}, Untrusted, "known_hosts has none for it"},
		{"another host's key", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_SSH_KEY", key)
			write(t, "other", knowsOther)
			t.Setenv("SSH_KNOWN_HOSTS", filepath.Join(os.Getenv("HOME"), "other"))
		}, Untrusted, "somebody may stand in between"},
		{"no known_hosts at all", func(t *testing.T) {
			t.Setenv("AGENTC_GIT_SSH_KEY", key)
			t.Setenv("SSH_KNOWN_HOSTS", filepath.Join(os.Getenv("HOME"), "nothing"))
		}, Untrusted, "SSH_KNOWN_HOSTS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hermit(t)
			t.Setenv("SSH_KNOWN_HOSTS", server.KnownHosts)
			test.setup(t)
			r, err := Open(server.URL, Options{Timeout: 20 * time.Second})
			if err == nil {
				_, err = r.Fetch(context.Background(), "main")
			}
			if test.cause >= 0 {
				wantFailure(t, err, test.cause, test.words)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func encrypted(t *testing.T, key string) string {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw, "", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// startAgent runs an ssh-agent that holds one key.
func startAgent(t *testing.T, key string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Setenv("SSH_AUTH_SOCK", socket)
	for range 100 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if out, err := exec.Command("ssh-add", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestSSHConfig: a host may have another name in ~/.ssh/config.
func TestSSHConfig(t *testing.T) {
	hermit(t)
	write(t, ".ssh/config", "Host work\n  Hostname git.soc.example\n  Port 2222\n  User bot\n")
	for _, test := range []struct{ url, want string }{
		{"work:fleet.git", "bot@git.soc.example:2222"},
		{"ssh://me@work:22/fleet.git", "me@git.soc.example:22"},
		{"ssh://other/fleet.git", "git@other:22"},
		{"ssh://[::1]/fleet.git", "git@[::1]:22"},
		{"git@[::1]:fleet.git", "git@[::1]:22"},
	} {
		at, err := parseAddress(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if user, host := at.login(); user+"@"+host != test.want {
			t.Errorf("%s: %s@%s, want %s", test.url, user, host, test.want)
		}
	}
}

func TestNetrc(t *testing.T) {
	text := `machine a login u password p
macdef init
machine evil login u password p

machine b
	login v
	account x
	password q
junk
default login any password any
machine c password`
	want := []machine{{"a", "u", "p"}, {"b", "v", "q"}, {"", "any", "any"}, {"c", "", ""}}
	if diff := cmp.Diff(want, parseNetrc(text), cmp.AllowUnexported(machine{})); diff != "" {
		t.Error(diff)
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add("machine a login u password p\nmacdef x\n\ndefault")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range parseNetrc("machine known login u password p\n\n" + text) {
			if strings.ContainsAny(m.host+m.user+m.password, " \t\r\n") {
				t.Errorf("%q", m)
			}
		}
	})
}
