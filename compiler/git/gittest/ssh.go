package gittest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
)

// SSHServer is an sshd that lets one key in, as the user who runs the test.
type SSHServer struct {
	URL        string // of the repository
	Addr       string // host:port
	Key        string // the file of the private key; unencrypted
	KnownHosts string // a file that knows the server

	config string
	log    string
	mu     sync.Mutex
	open   []*exec.Cmd
}

// SSH serves a repository by sshd on loopback, with keys of its own. sshd runs once per connection, as under inetd: so the port
// is ours before anybody is told about it.
func SSH(t testing.TB, repo string) *SSHServer {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"host", "client"} {
		run(t, "", nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(dir, name))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHServer{
		Addr: listener.Addr().String(), Key: filepath.Join(dir, "client"), KnownHosts: filepath.Join(dir, "known_hosts"),
		config: filepath.Join(dir, "sshd_config"), log: filepath.Join(dir, "log"),
	}
	s.URL = fmt.Sprintf("ssh://%s@%s%s", me.Username, s.Addr, repo)
	s.configure(t, dir)
	t.Cleanup(func() {
		listener.Close()
		s.stop()
		if t.Failed() {
			log, _ := os.ReadFile(s.log)
			t.Logf("sshd said:\n%s", log)
		}
	})
	go s.serve(tool(t, "sshd"), listener)
	return s
}

func (s *SSHServer) configure(t testing.TB, dir string) {
	t.Helper()
	host, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	name, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// Another HOME keeps the shell's and git's settings of the user out of it.
	config := fmt.Sprintf("HostKey %s\nAuthorizedKeysFile %s\nSetEnv HOME=%s\n"+
		"UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel VERBOSE\n",
		filepath.Join(dir, "host"), filepath.Join(dir, "client.pub"), dir)
	for path, text := range map[string]string{s.config: config, s.KnownHosts: fmt.Sprintf("[%s]:%s %s", name, port, host)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 { // where sshd gives up its rights, and will not start without
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *SSHServer) serve(sshd string, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go s.handle(sshd, conn.(*net.TCPConn))
	}
}

func (s *SSHServer) handle(sshd string, conn *net.TCPConn) {
	defer conn.Close()
	file, err := conn.File()
	if err != nil {
		return
	}
	defer file.Close()
	cmd := exec.Command(sshd, "-i", "-E", s.log, "-f", s.config)
	cmd.Stdin, cmd.Stdout = file, file
	s.mu.Lock()
	err = cmd.Start()
	s.open = append(s.open, cmd)
	s.mu.Unlock()
	if err == nil {
		conn.Close()
		cmd.Wait()
	}
}

// stop ends the connections that a test left open.
func (s *SSHServer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range s.open {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
	}
}

// Login puts into the environment what a client needs to know: the server's key and its own.
func (s *SSHServer) Login(t testing.TB) {
	t.Helper()
	key, err := os.ReadFile(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_KNOWN_HOSTS", s.KnownHosts)
	t.Setenv("AGENTC_GIT_SSH_KEY", string(key))
}
